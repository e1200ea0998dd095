/* The boot image's bytes. */
#ifndef OPENWFP_BOOT_FORMAT_H
#define OPENWFP_BOOT_FORMAT_H

#include <stdint.h>

#define BOOT_MAGIC     "OWFPBOOT"
#define BOOT_ALIGN     8u
#define BOOT_PADDED(n) (((n) + BOOT_ALIGN - 1) & ~(size_t)(BOOT_ALIGN - 1))

struct boot_header {
    char magic[8];
    uint32_t format; /* BOOT_IMAGE_FORMAT; also tells the byte order */
    uint32_t abi;    /* ALE_ABI */
    uint64_t size;   /* of the file */
    uint32_t filters, app_count, group_count, callout_count;
    uint64_t policy_size;
    uint32_t body_crc;   /* of all behind the header */
    uint32_t header_crc; /* of all before this field */
};

/* In front of each program's path and each callout's object. */
struct boot_piece {
    uint32_t slot; /* of a callout */
    uint32_t size;
};

#endif
