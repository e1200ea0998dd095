#ifndef OPENWFP_DRIVER_LOG_H
#define OPENWFP_DRIVER_LOG_H

/* Whose lines they are. */
void log_name(const char *name);

#endif
