/* What the host's process gives up before the driver's code is loaded. */
#ifndef OPENWFP_DRIVER_CONFINE_H
#define OPENWFP_DRIVER_CONFINE_H

#include <stdbool.h>

/*
 * Becomes the user (NULL: stays who it is), without groups, capabilities or a way to new ones; no
 * core dumps; bounded memory, descriptors and processes; SIGTERM when the parent ends. False: one
 * line on standard error has said why.
 */
bool confine(const char *user);

#endif
