#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <zlib.h>

#include "boot/format.h"
#include "boot/image.h"
#include "shims/bpf/abi.h"

static size_t piece_size(size_t size)
{
    return sizeof(struct boot_piece) + BOOT_PADDED(size);
}

static size_t file_size(const struct boot_image *image)
{
    size_t size = sizeof(struct boot_header) + image->group_count * sizeof(image->groups[0]) +
                  image->policy_size;

    for (uint32_t i = 0; i < image->app_count; i++)
        size += piece_size(strlen(image->apps[i]));
    for (uint32_t i = 0; i < image->callout_count; i++)
        size += piece_size(image->callouts[i].size);
    return size;
}

static uint8_t *put(uint8_t *at, const void *bytes, size_t size)
{
    if (size)
        memcpy(at, bytes, size);
    return at + BOOT_PADDED(size);
}

static uint8_t *put_piece(uint8_t *at, uint32_t slot, const void *bytes, size_t size)
{
    const struct boot_piece piece = {.slot = slot, .size = (uint32_t)size};

    return put(put(at, &piece, sizeof(piece)), bytes, size);
}

static void put_body(uint8_t *at, const struct boot_image *image)
{
    for (uint32_t i = 0; i < image->app_count; i++)
        at = put_piece(at, 0, image->apps[i], strlen(image->apps[i]));
    at = put(at, image->groups, image->group_count * sizeof(image->groups[0]));
    for (uint32_t i = 0; i < image->callout_count; i++)
        at = put_piece(at, image->callouts[i].slot, image->callouts[i].bytes,
                       image->callouts[i].size);
    put(at, image->policy, image->policy_size);
}

int boot_image_encode(const struct boot_image *image, uint8_t **bytes, size_t *size)
{
    struct boot_header header = {
        .magic = BOOT_MAGIC,
        .format = BOOT_IMAGE_FORMAT,
        .abi = ALE_ABI,
        .size = file_size(image),
        .filters = image->filters,
        .app_count = image->app_count,
        .group_count = image->group_count,
        .callout_count = image->callout_count,
        .policy_size = image->policy_size,
    };

    if (header.size > BOOT_IMAGE_MOST)
        return -E2BIG;
    *bytes = calloc(1, header.size);
    if (!*bytes)
        return -ENOMEM;
    put_body(*bytes + sizeof(header), image);
    header.body_crc =
        (uint32_t)crc32(0, *bytes + sizeof(header), (uInt)(header.size - sizeof(header)));
    header.header_crc =
        (uint32_t)crc32(0, (const Bytef *)&header, offsetof(struct boot_header, header_crc));
    memcpy(*bytes, &header, sizeof(header));
    *size = header.size;
    return 0;
}
