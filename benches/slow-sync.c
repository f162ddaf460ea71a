/* A disk that syncs slowly: loaded before a program (LD_PRELOAD), it makes each of its syncs take SYNC_US microseconds more. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <time.h>

static void pause_first(void) {
    const char *micros = getenv("SYNC_US");
    long wait = micros ? atol(micros) : 0;
    struct timespec left = {wait / 1000000, (wait % 1000000) * 1000};
    int before = errno;
    while (nanosleep(&left, &left) && errno == EINTR) {}
    errno = before;
}

int fdatasync(int file) {
    pause_first();
    return ((int (*)(int))dlsym(RTLD_NEXT, "fdatasync"))(file);
}

int fsync(int file) {
    pause_first();
    return ((int (*)(int))dlsym(RTLD_NEXT, "fsync"))(file);
}
