/*
 * Which services start by themselves. Read from systemd's files, because bfe starts before there is
 * anybody to ask: a service starts when it is enabled, that is, when a .wants, .requires or
 * .upholds directory of a unit has a link to it, and when it is not masked.
 */
#ifndef OPENWFP_BFE_UNIT_H
#define OPENWFP_BFE_UNIT_H

#include <stdbool.h>

/*
 * name: of a service, with or without ".service". Looked for in the directories of
 * $SYSTEMD_UNIT_PATH, or where systemd looks. On a machine without systemd every service starts, as
 * far as can be known.
 */
bool unit_starts(const char *name);

#endif
