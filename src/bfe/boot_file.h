/* Replacing a file so that at any moment, power loss included, the old or the new one is there. */
#ifndef OPENWFP_BFE_BOOT_FILE_H
#define OPENWFP_BFE_BOOT_FILE_H

#include <stddef.h>
#include <stdint.h>

/* The file has these bytes now (NULL: there is none), and the one before is beside it. */
int boot_file_replace(const char *path, const uint8_t *bytes, size_t size);
/* It stays, and the one before goes. */
void boot_file_keep(const char *path);
/* The one before comes back. 0 or a negative errno. */
int boot_file_restore(const char *path);

#endif
