/* A disk that keeps only what was flushed: loaded into a child by LD_PRELOAD, see `disk.rs`.
 *
 * Files of one folder (POLYCHAT_DISK_LIVE) are shadowed in a second one (POLYCHAT_DISK_KEPT), which
 * is what a disk would hold after the power is cut at that moment:
 *
 * - Contents written or cut reach the shadow when the file is flushed (fsync, fdatasync).
 * - Names made, changed and removed reach it when the folder is flushed, and not before: this is
 *   the harsher reading of POSIX, and a removed file comes back after the cut.
 * - A disk may also keep what nobody asked it to keep. With POLYCHAT_DISK_LEAK percent of the
 *   writes, the first sectors of a write reach the shadow at once, so writes are torn and out of
 *   their order.
 *
 * With POLYCHAT_DISK_OPERATIONS the power is cut by itself, before so many changes and flushes of
 * the folder's files and one more: the process is killed.
 *
 * The shadow's contents lie in POLYCHAT_DISK_CONTENTS, one file each; names are hard links to them.
 * Files that end in "-shm" are memory shared by processes and not looked at. `writev` and shared
 * writable memory on other files, which nobody is known to use, end the process with a complaint.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

enum { FDS_MAX = 4096, FILES_MAX = 1024, SECTOR = 512, PIECE = 65536 };

struct range {
    off_t from, to;
};

/* One file of the folder, by whatever name. */
struct file {
    ino_t inode; /* 0 once its last name is gone: the number may be given to another file */
    int number;  /* its name in the folder of contents */
    int kept;    /* its flushed contents */
    struct range *unflushed;
    size_t count, room;
};

static const char *live, *kept, *contents;
static size_t live_length;
static unsigned leak_percent;
static uint64_t noise_state;
static long operations_left = LONG_MAX;
static struct file *files[FILES_MAX];
static int files_count;
static struct file *of_fd[FDS_MAX];
static char is_folder[FDS_MAX];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static int (*real_open)(const char *, int, ...);
static int (*real_openat)(int, const char *, int, ...);
static int (*real_close)(int);
static ssize_t (*real_write)(int, const void *, size_t);
static ssize_t (*real_pwrite)(int, const void *, size_t, off_t);
static ssize_t (*real_writev)(int, const struct iovec *, int);
static int (*real_ftruncate)(int, off_t);
static int (*real_fsync)(int);
static int (*real_fdatasync)(int);
static int (*real_unlink)(const char *);
static int (*real_unlinkat)(int, const char *, int);
static int (*real_rename)(const char *, const char *);
static void *(*real_mmap)(void *, size_t, int, int, int, off_t);

static void die(const char *why, const char *what) {
    dprintf(2, "the shadow disk: %s: %s (%s)\n", why, what, strerror(errno));
    abort();
}

/* One more change or flush, under the lock. */
static void operation(void) {
    if (operations_left-- == 0) kill(getpid(), SIGKILL);
}

static uint64_t noise(void) {
    uint64_t x = (noise_state += 0x9e3779b97f4a7c15u);
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

static int is_shared_memory(const char *name) {
    size_t length = strlen(name);
    return length >= 4 && strcmp(name + length - 4, "-shm") == 0;
}

static void join(char *path, const char *folder, const char *name) {
    if (snprintf(path, PATH_MAX, "%s/%s", folder, name) >= PATH_MAX) die("too long", name);
}

/* The name of a path within the folder; NULL for any other. */
static const char *name_of(const char *path) {
    if (!live || strncmp(path, live, live_length) != 0 || path[live_length] != '/') return NULL;
    const char *name = path + live_length + 1;
    if (strchr(name, '/')) die("a folder within the folder", path);
    return is_shared_memory(name) ? NULL : name;
}

static struct file *by_inode(ino_t inode) {
    for (int at = 0; at < files_count; at++)
        if (files[at]->inode == inode) return files[at];
    return NULL;
}

/* A file that was not known; `kept_name` is the name of what is kept of it already, if it is. */
static struct file *add_file(ino_t inode, const char *kept_name) {
    if (files_count == FILES_MAX) die("too many files", live);
    struct file *file = calloc(1, sizeof *file);
    if (!file) die("no memory", live);
    file->inode = inode;
    file->number = files_count;
    char path[PATH_MAX], from[PATH_MAX], name[16];
    snprintf(name, sizeof name, "%d", file->number);
    join(path, contents, name);
    int flags = O_RDWR | O_CLOEXEC | O_CREAT | O_EXCL;
    if (kept_name) {
        join(from, kept, kept_name);
        if (link(from, path) != 0) die("linking", from);
        flags = O_RDWR | O_CLOEXEC;
    }
    file->kept = real_open(path, flags, 0644);
    if (file->kept < 0) die("opening", path);
    return files[files_count++] = file;
}

static void unflushed(struct file *file, off_t from, off_t to) {
    if (to <= from) return;
    struct range *last = file->count ? &file->unflushed[file->count - 1] : NULL;
    if (last && from <= last->to && to >= last->from) {
        if (from < last->from) last->from = from;
        if (to > last->to) last->to = to;
        return;
    }
    if (file->count == file->room) {
        file->room = file->room ? 2 * file->room : 64;
        file->unflushed = realloc(file->unflushed, file->room * sizeof *file->unflushed);
        if (!file->unflushed) die("no memory", live);
    }
    file->unflushed[file->count++] = (struct range){from, to};
}

static void keep(struct file *file, const char *bytes, size_t length, off_t at) {
    while (length > 0) {
        ssize_t done = real_pwrite(file->kept, bytes, length, at);
        if (done <= 0) die("keeping", kept);
        bytes += done, length -= (size_t)done, at += done;
    }
}

static void flush_file(int fd, struct file *file) {
    struct stat now;
    static char piece[PIECE]; /* under the lock */
    if (fstat(fd, &now) != 0) die("fstat", live);
    for (size_t n = 0; n < file->count; n++) {
        struct range range = file->unflushed[n];
        if (range.to > now.st_size) range.to = now.st_size;
        while (range.from < range.to) {
            off_t left = range.to - range.from;
            ssize_t got = pread(fd, piece, left < PIECE ? (size_t)left : PIECE, range.from);
            if (got <= 0) die("reading", live);
            keep(file, piece, (size_t)got, range.from);
            range.from += got;
        }
    }
    file->count = 0;
    if (real_ftruncate(file->kept, now.st_size) != 0) die("cutting", kept);
}

static void keep_name(struct file *file, const char *name) {
    char from[PATH_MAX], fresh[PATH_MAX], to[PATH_MAX], number[16];
    struct stat there, wanted;
    join(to, kept, name);
    if (fstat(file->kept, &wanted) != 0) die("fstat", name);
    if (stat(to, &there) == 0 && there.st_ino == wanted.st_ino) return;
    snprintf(number, sizeof number, "%d", file->number);
    join(from, contents, number);
    join(fresh, contents, "fresh");
    if (link(from, fresh) != 0 || real_rename(fresh, to) != 0) die("naming", to);
}

static void flush_folder(void) {
    char path[PATH_MAX];
    struct stat there;
    struct dirent *entry;
    DIR *names = opendir(live);
    if (!names) die("opening", live);
    while ((entry = readdir(names))) {
        join(path, live, entry->d_name);
        if (entry->d_name[0] == '.' || is_shared_memory(entry->d_name)) continue;
        if (stat(path, &there) != 0) continue; /* removed by another thread */
        struct file *file = by_inode(there.st_ino);
        if (!file) die("a file that came on another way", path);
        keep_name(file, entry->d_name);
    }
    closedir(names);
    names = opendir(kept);
    if (!names) die("opening", kept);
    while ((entry = readdir(names))) {
        if (entry->d_name[0] == '.') continue;
        join(path, live, entry->d_name);
        if (stat(path, &there) == 0 || errno != ENOENT) continue;
        join(path, kept, entry->d_name);
        if (real_unlink(path) != 0) die("removing", path);
    }
    closedir(names);
}

#define FIND(name, symbol) \
    if (!(name = (__typeof__(name))dlsym(RTLD_NEXT, symbol))) die("missing", symbol)

__attribute__((constructor)) static void begin(void) {
    FIND(real_open, "open64");
    FIND(real_openat, "openat64");
    FIND(real_close, "close");
    FIND(real_write, "write");
    FIND(real_pwrite, "pwrite64");
    FIND(real_writev, "writev");
    FIND(real_ftruncate, "ftruncate64");
    FIND(real_fsync, "fsync");
    FIND(real_fdatasync, "fdatasync");
    FIND(real_unlink, "unlink");
    FIND(real_unlinkat, "unlinkat");
    FIND(real_rename, "rename");
    FIND(real_mmap, "mmap64");
    live = getenv("POLYCHAT_DISK_LIVE");
    kept = getenv("POLYCHAT_DISK_KEPT");
    contents = getenv("POLYCHAT_DISK_CONTENTS");
    if (!live || !kept || !contents) die("not told where", "the environment");
    live_length = strlen(live);
    const char *leak = getenv("POLYCHAT_DISK_LEAK"), *seed = getenv("POLYCHAT_DISK_SEED");
    leak_percent = leak ? (unsigned)atoi(leak) : 0;
    noise_state = seed ? strtoull(seed, NULL, 10) : 0;
    const char *operations = getenv("POLYCHAT_DISK_OPERATIONS");
    if (operations) operations_left = atol(operations);
    /* What is there when the process begins was kept before. */
    struct dirent *entry;
    struct stat there;
    char path[PATH_MAX];
    DIR *names = opendir(live);
    if (!names) die("opening", live);
    while ((entry = readdir(names))) {
        if (entry->d_name[0] == '.' || is_shared_memory(entry->d_name)) continue;
        join(path, live, entry->d_name);
        if (stat(path, &there) != 0) die("stat", path);
        add_file(there.st_ino, entry->d_name);
    }
    closedir(names);
}

static int opened(int fd, const char *path, off_t size_before) {
    if (fd < 0 || !live) return fd;
    int folder = strcmp(path, live) == 0;
    if (!folder && !name_of(path)) return fd;
    if (fd >= FDS_MAX) die("too many open files", path);
    struct stat now;
    if (fstat(fd, &now) != 0) die("fstat", path);
    pthread_mutex_lock(&lock);
    is_folder[fd] = (char)folder;
    if (!folder) {
        struct file *file = by_inode(now.st_ino);
        if (!file) file = add_file(now.st_ino, NULL);
        unflushed(file, now.st_size, size_before); /* cut by O_TRUNC */
        of_fd[fd] = file;
    }
    pthread_mutex_unlock(&lock);
    return fd;
}

static off_t size_of(const char *path) {
    struct stat there;
    return name_of(path) && stat(path, &there) == 0 ? there.st_size : 0;
}

#define MODE(flags, mode) \
    mode_t mode = 0; \
    if ((flags) & (O_CREAT | O_TMPFILE)) { \
        va_list more; \
        va_start(more, flags); \
        mode = va_arg(more, mode_t); \
        va_end(more); \
    }

int open(const char *path, int flags, ...) {
    MODE(flags, mode)
    off_t before = size_of(path);
    return opened(real_open(path, flags, mode), path, before);
}

int open64(const char *path, int flags, ...) {
    MODE(flags, mode)
    off_t before = size_of(path);
    return opened(real_open(path, flags, mode), path, before);
}

int openat(int at, const char *path, int flags, ...) {
    MODE(flags, mode)
    off_t before = size_of(path);
    return opened(real_openat(at, path, flags, mode), path, before);
}

int openat64(int at, const char *path, int flags, ...) {
    MODE(flags, mode)
    off_t before = size_of(path);
    return opened(real_openat(at, path, flags, mode), path, before);
}

int close(int fd) {
    if (fd >= 0 && fd < FDS_MAX) of_fd[fd] = NULL, is_folder[fd] = 0;
    return real_close(fd);
}

static struct file *file_of(int fd) {
    return fd >= 0 && fd < FDS_MAX ? of_fd[fd] : NULL;
}

static void written(struct file *file, const void *bytes, ssize_t length, off_t at) {
    if (length <= 0) return;
    unflushed(file, at, at + length);
    if (leak_percent == 0 || noise() % 100 >= leak_percent) return;
    size_t sectors = ((size_t)length + SECTOR - 1) / SECTOR;
    size_t leaked = (1 + noise() % sectors) * SECTOR;
    keep(file, bytes, leaked < (size_t)length ? leaked : (size_t)length, at);
}

ssize_t write(int fd, const void *bytes, size_t length) {
    struct file *file = file_of(fd);
    if (!file) return real_write(fd, bytes, length);
    pthread_mutex_lock(&lock);
    operation();
    int appends = fcntl(fd, F_GETFL) & O_APPEND;
    off_t at = lseek(fd, 0, appends ? SEEK_END : SEEK_CUR);
    ssize_t done = real_write(fd, bytes, length);
    written(file, bytes, done, at);
    pthread_mutex_unlock(&lock);
    return done;
}

ssize_t pwrite64(int fd, const void *bytes, size_t length, off64_t at) {
    struct file *file = file_of(fd);
    if (!file) return real_pwrite(fd, bytes, length, at);
    pthread_mutex_lock(&lock);
    operation();
    ssize_t done = real_pwrite(fd, bytes, length, at);
    written(file, bytes, done, at);
    pthread_mutex_unlock(&lock);
    return done;
}

ssize_t pwrite(int fd, const void *bytes, size_t length, off_t at) {
    return pwrite64(fd, bytes, length, at);
}

int ftruncate64(int fd, off64_t size) {
    struct file *file = file_of(fd);
    if (!file) return real_ftruncate(fd, size);
    struct stat before;
    pthread_mutex_lock(&lock);
    operation();
    if (fstat(fd, &before) != 0) die("fstat", live);
    int done = real_ftruncate(fd, size);
    if (done == 0) unflushed(file, size, before.st_size);
    pthread_mutex_unlock(&lock);
    return done;
}

int ftruncate(int fd, off_t size) {
    return ftruncate64(fd, size);
}

/* Whether it was flushed to the shadow, which is as far as it goes. */
static int flushed(int fd) {
    if (fd < 0 || fd >= FDS_MAX || (!of_fd[fd] && !is_folder[fd])) return 0;
    pthread_mutex_lock(&lock);
    operation();
    if (is_folder[fd]) flush_folder();
    else flush_file(fd, of_fd[fd]);
    pthread_mutex_unlock(&lock);
    return 1;
}

int fsync(int fd) {
    return flushed(fd) ? 0 : real_fsync(fd);
}

int fdatasync(int fd) {
    return flushed(fd) ? 0 : real_fdatasync(fd);
}

/* Forgets the number of a file whose last name goes. */
static void loses_name(const char *path) {
    struct stat there;
    if (stat(path, &there) != 0 || there.st_nlink != 1) return;
    struct file *file = by_inode(there.st_ino);
    if (file) file->inode = 0;
}

int unlink(const char *path) {
    if (!name_of(path)) return real_unlink(path);
    pthread_mutex_lock(&lock);
    operation();
    loses_name(path);
    int done = real_unlink(path);
    pthread_mutex_unlock(&lock);
    return done;
}

int unlinkat(int at, const char *path, int flags) {
    if (name_of(path)) die("unlinkat", path);
    return real_unlinkat(at, path, flags);
}

int rename(const char *from, const char *to) {
    if (!name_of(from) && !name_of(to)) return real_rename(from, to);
    if (!name_of(from) || !name_of(to)) die("renaming from or to elsewhere", to);
    pthread_mutex_lock(&lock);
    operation();
    loses_name(to);
    int done = real_rename(from, to);
    pthread_mutex_unlock(&lock);
    return done;
}

ssize_t writev(int fd, const struct iovec *pieces, int count) {
    if (file_of(fd)) die("writev", live);
    return real_writev(fd, pieces, count);
}

void *mmap64(void *at, size_t length, int protection, int flags, int fd, off64_t offset) {
    if ((protection & PROT_WRITE) && (flags & MAP_SHARED) && file_of(fd)) die("mmap", live);
    return real_mmap(at, length, protection, flags, fd, offset);
}

void *mmap(void *at, size_t length, int protection, int flags, int fd, off_t offset) {
    return mmap64(at, length, protection, flags, fd, offset);
}
