/* CRC-32 as zip and Ethernet have it (reflected 0x04c11db7). */
#ifndef OPENWFP_BFE_CRC32_H
#define OPENWFP_BFE_CRC32_H

#include <stddef.h>
#include <stdint.h>

uint32_t crc32_of(const void *bytes, size_t size);
/* The CRC of what `crc` is the CRC of (0: nothing) and these bytes after it. */
uint32_t crc32_more(uint32_t crc, const void *bytes, size_t size);

#endif
