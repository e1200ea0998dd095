#include "boot/say.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#define LINE 1000 /* the kernel's log takes no longer ones */

static int kernel_log = -1;

void say_to_kernel(void)
{
    kernel_log = open("/dev/kmsg", O_WRONLY | O_CLOEXEC);
}

/* One write is one line of the log. */
static void write_line(int priority, const char *text, const char *tail)
{
    char line[LINE + 64];
    int length = kernel_log < 0 ? snprintf(line, sizeof(line), "openwfp-boot: %s%s\n", text, tail)
                                : snprintf(line, sizeof(line), "<%d>openwfp-boot: %s%s\n",
                                           LOG_DAEMON | priority, text, tail);

    if (length >= (int)sizeof(line))
        length = sizeof(line) - 1;
    if (write(kernel_log < 0 ? STDERR_FILENO : kernel_log, line, (size_t)length) < 0)
        return;
}

/* Milliseconds since this was called last. */
static double lap(void)
{
    static struct timespec before;
    struct timespec now;
    double passed = 0;

    clock_gettime(CLOCK_MONOTONIC, &now);
    if (before.tv_sec || before.tv_nsec)
        passed = (double)(now.tv_sec - before.tv_sec) * 1e3 +
                 (double)(now.tv_nsec - before.tv_nsec) / 1e6;
    before = now;
    return passed;
}

void say_stage(const char *format, ...)
{
    char text[LINE], tail[32];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    snprintf(tail, sizeof(tail), " (%.1f ms)", lap());
    write_line(LOG_NOTICE, text, tail);
}

void say_problem(const char *format, ...)
{
    char text[LINE];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    write_line(LOG_CRIT, text, "");
}

void say_begin(void)
{
    lap();
}
