/* disk_vfs: files of SQLite's on a disk that forgets. What is written lies in a cache until it is synced; a crash keeps, of
 * the sectors that were written since the last sync, any subset, as power losses do, and cuts a file that had grown.
 *
 * One file system at a time. Locks, shared memory and temporary files are not there (exclusive locking mode needs none). */
#ifndef PADDOCK_TESTS_UNIT_SUPPORT_DISK_VFS_H
#define PADDOCK_TESTS_UNIT_SUPPORT_DISK_VFS_H

#include "engine/base/rng.h"

#define DISK_VFS_NAME "forgetful"

void disk_vfs_start(struct rng rng); /* registers it, with no files */
void disk_vfs_end(void);
/* Power fails at the n-th sync or write from now on: from then on all fails. 0: now. */
void disk_vfs_fail_after(unsigned operations);
bool disk_vfs_failed(void);
/* The power is back: files are what the crash left of them. */
void disk_vfs_crash(void);
unsigned disk_vfs_operations(void); /* writes and syncs so far */

#endif
