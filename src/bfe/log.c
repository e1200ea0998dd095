#include "log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <systemd/sd-journal.h>

#define LINES_A_SECOND 10u

static enum log_target target;

enum log_target log_detect(void)
{
    const char *stream = getenv("JOURNAL_STREAM");
    unsigned long long device, inode;
    struct stat st;

    if (!stream || sscanf(stream, "%llu:%llu", &device, &inode) != 2)
        return LOG_TO_STDERR;
    if (fstat(STDERR_FILENO, &st) < 0 || st.st_dev != device || st.st_ino != inode)
        return LOG_TO_STDERR;
    return LOG_TO_JOURNAL;
}

void log_open(enum log_target to)
{
    target = to;
}

static const char *level_word(int level)
{
    switch (level) {
    case LOG_ERR:
        return "error: ";
    case LOG_WARNING:
        return "warning: ";
    default:
        return "";
    }
}

static void write_line(int level, const char *format, va_list arguments)
{
    char text[1024];

    vsnprintf(text, sizeof(text), format, arguments);
    if (target == LOG_TO_JOURNAL)
        sd_journal_send("PRIORITY=%d", level, "SYSLOG_IDENTIFIER=bfe", "MESSAGE=%s", text, NULL);
    else
        fprintf(stderr, "bfe: %s%s\n", level_word(level), text);
}

void log_line(int level, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    write_line(level, format, arguments);
    va_end(arguments);
}

void log_limited(int level, const char *format, ...)
{
    static time_t second;
    static unsigned lines;
    va_list arguments;
    time_t now = time(NULL);

    if (now != second) {
        if (lines > LINES_A_SECOND)
            log_line(LOG_NOTICE, "%u more lines about clients were left out",
                     lines - LINES_A_SECOND);
        second = now;
        lines = 0;
    }
    if (++lines > LINES_A_SECOND)
        return;
    va_start(arguments, format);
    write_line(level, format, arguments);
    va_end(arguments);
}
