/* libfuse3's low-level interface as Swift sees it. Bit-fields and macros that Swift cannot
 * import get a static inline function here; no logic. */
#pragma once
#define FUSE_USE_VERSION 314
#include <fuse_lowlevel.h>
#include <linux/fs.h>
#include <sys/mount.h>

static inline int cf_is_page_write(const struct fuse_file_info *file) { return file->writepage; }
static inline void cf_set_direct_io(struct fuse_file_info *file) { file->direct_io = 1; }
static inline void cf_set_keep_cache(struct fuse_file_info *file) { file->keep_cache = 1; }
static inline void cf_set_no_flush(struct fuse_file_info *file) { file->noflush = 1; }
static inline void cf_set_cache_readdir(struct fuse_file_info *file) { file->cache_readdir = 1; }

/* One piece of memory as the library takes it. */
static inline struct fuse_bufvec cf_memory(void *bytes, size_t count) {
    struct fuse_bufvec vector = FUSE_BUFVEC_INIT(count);
    vector.buf[0].mem = bytes;
    return vector;
}

/* Function-like and typed macros. */
static inline unsigned cf_rename_no_replace(void) { return RENAME_NOREPLACE; }
static inline unsigned cf_rename_exchange(void) { return RENAME_EXCHANGE; }
static inline unsigned cf_rename_whiteout(void) { return RENAME_WHITEOUT; }
