/* What the loader needs of the system around it. */
#ifndef OPENWFP_BOOT_SYSTEM_H
#define OPENWFP_BOOT_SYSTEM_H

#include <stdbool.h>

/* The loader may run before anybody has mounted anything. 0 or a negative errno, said. */
int system_mount_proc(void);
int system_mount_sys(void); /* with version 2 of control groups */
/* Control groups are for the system to mount as it likes: hooks attached to them stay. */
void system_unmount_cgroup2(void);

/* Whether the file, a kernel's command line, has openwfp=off in it. */
bool system_switched_off(const char *command_line);

#endif
