#include "log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <systemd/sd-journal.h>

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

void log_line(int level, const char *format, ...)
{
    char text[1024];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    if (target == LOG_TO_JOURNAL)
        sd_journal_send("PRIORITY=%d", level, "SYSLOG_IDENTIFIER=bfe", "MESSAGE=%s", text, NULL);
    else
        fprintf(stderr, "bfe: %s%s\n", level_word(level), text);
}
