/*
 * The boot image: boot-time filters as a compiled policy in one file, which openwfp-boot puts in
 * force before anything else of this system runs.
 *
 *   header      magic, format, ABI, sizes, checksums
 *   programs    paths; the policy knows them by number, which is the place in this list, from 1
 *   groups      the groups that conditions name, with their bits
 *   callouts    object files of the callouts that filters call, with their slots
 *   policy      the compiled policy's memory (classify/abi.h)
 *
 * Which hooks the policy needs is in the policy itself. Numbers are the machine's own: an image is
 * for the machine that made it. Each part begins at a multiple of 8 bytes.
 *
 * Nobody trusts the file: boot_image_decode() takes any bytes, and what it hands out points into
 * them and is inside.
 */
#ifndef OPENWFP_BOOT_IMAGE_H
#define OPENWFP_BOOT_IMAGE_H

#include <stddef.h>
#include <stdint.h>

#include "classify/compile.h"
#include "shims/bpf/shim.h"

#define BOOT_IMAGE_FILE   "/var/lib/openwfp/boot.img"
#define BOOT_IMAGE_FORMAT 1u
#define BOOT_IMAGE_MOST   (256u << 20) /* bytes; a larger file is not read */
#define BOOT_GROUPS       64u
#define BOOT_APPS         32768u

struct boot_image {
    uint32_t filters;
    uint32_t checksum; /* of decode: what tells it from another image */
    uint32_t app_count, group_count, callout_count;
    const char **apps; /* of decode: freed by boot_image_free() */
    struct classify_group groups[BOOT_GROUPS];
    struct shim_callout callouts[CLASSIFY_CALLOUTS];
    const uint8_t *policy;
    size_t policy_size;
};

/* The file's bytes, malloc'ed. 0 or -ENOMEM, -E2BIG. */
int boot_image_encode(const struct boot_image *image, uint8_t **bytes, size_t *size);

struct boot_reason {
    char text[160]; /* why the bytes are no image of this build, for a person */
};

/* 0, -EPROTO (another version), -EBADMSG (damaged) or -ENOMEM. The bytes are aligned to 8. */
int boot_image_decode(struct boot_image *image, const uint8_t *bytes, size_t size,
                      struct boot_reason *reason);
void boot_image_free(struct boot_image *image);

/* The whole file, malloc'ed. 0 or a negative errno; -ENOENT: no boot-time filters were asked for.
 */
int boot_image_read(const char *path, uint8_t **bytes, size_t *size);

#endif
