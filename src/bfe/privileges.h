/*
 * Root, less what the service has no use for. What stays: BPF and PERFMON to load programs,
 * NET_ADMIN to attach them and to destroy sockets, SYS_ADMIN for pins and other network namespaces,
 * SYS_PTRACE and DAC_READ_SEARCH to tell programs' paths; SETUID, SETGID and KILL when drivers run
 * as another user.
 */
#ifndef OPENWFP_BFE_PRIVILEGES_H
#define OPENWFP_BFE_PRIVILEGES_H

#include <stdbool.h>

/* For this process and all it would ever start. 0 or a negative errno. */
int privileges_drop(bool no_kernel, bool other_user);

#endif
