#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include "fwpkclnt/runtime.h"

#define LINES_A_SECOND 20

/* A driver that does something wrong for every packet must not fill the journal. */
static bool may_write(unsigned *left_out)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static time_t second;
    static unsigned lines, cut;
    struct timespec now;
    bool may;

    clock_gettime(CLOCK_MONOTONIC, &now);
    pthread_mutex_lock(&lock);
    *left_out = 0;
    if (now.tv_sec != second) {
        *left_out = cut;
        second = now.tv_sec;
        lines = cut = 0;
    }
    may = lines++ < LINES_A_SECOND;
    cut += !may;
    pthread_mutex_unlock(&lock);
    return may;
}

void runtime_log(const char *format, ...)
{
    char text[512];
    unsigned left_out;
    va_list arguments;

    if (!may_write(&left_out))
        return;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    if (left_out)
        fprintf(stderr, "%u lines were left out\n", left_out);
    fprintf(stderr, "%s\n", text);
}
