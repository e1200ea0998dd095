/*
 * The service's log: one line per event that says what happened, to which object, and what to do.
 * Goes to journald when systemd gave us its stream (or --log journal), to stderr otherwise.
 */
#ifndef OPENWFP_BFE_LOG_H
#define OPENWFP_BFE_LOG_H

#include <syslog.h>

enum log_target { LOG_TO_STDERR, LOG_TO_JOURNAL };

/* The target that fits how we were started. */
enum log_target log_detect(void);
void log_open(enum log_target target);

/* `level` is LOG_ERR, LOG_WARNING, LOG_NOTICE or LOG_INFO. */
void log_line(int level, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The same for what clients can cause at will: some lines a second, then a count of the rest. */
void log_limited(int level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
