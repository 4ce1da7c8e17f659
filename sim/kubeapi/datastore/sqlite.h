/* sqlite: the datastore in a file of SQLite's.
 *
 *   objects  (resource, ns, name) unique, revision, bytes     one row an object: its canonical JSON
 *   settings name, value                                      "reserved": revisions up to it may have been seen
 *
 * Durability: write-ahead log, synchronous=FULL: a commit returns when its pages are on the disk. One transaction a batch.
 * One server: the file is held in exclusive locking mode from the start; a second server is refused.
 * Errors:     ERR_INVALID: the file is something else, of a later version, or damaged; ERR_CONFLICT: another server has it
 *             open; ERR_IO: the disk. The messages name the file. */
#ifndef PADDOCK_SIM_KUBEAPI_DATASTORE_SQLITE_H
#define PADDOCK_SIM_KUBEAPI_DATASTORE_SQLITE_H

#include "sim/kubeapi/store/datastore.h"

#define DATASTORE_SQLITE_VERSION 1

/* vfs: NULL for the system's files; a test's disk else. The file is made when it is missing. */
struct err *datastore_sqlite_open(const char *path, const char *vfs,
                                  struct datastore **out) must_check;

#endif
