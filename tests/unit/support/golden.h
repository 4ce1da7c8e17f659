/* golden: texts that a test expects, kept as files under fixtures/ so that people can read them. */
#ifndef PADDOCK_TESTS_UNIT_SUPPORT_GOLDEN_H
#define PADDOCK_TESTS_UNIT_SUPPORT_GOLDEN_H

#include "engine/base/str.h"

/* The bytes of a file, path from the root of the source; the test fails when it cannot be read. str_free. */
struct str golden_read(const char *path);
/* The text is that of the file; else the test fails and shows the first line that differs. */
void golden_check(struct str got, const char *path);

#endif
