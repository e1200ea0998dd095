/*
 * The input is a boot image. It is read twice: as it is, and with version and checksums made right,
 * so that what is behind them is reached. What is taken for an image can be used to its end.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <zlib.h>

#include "boot/format.h"
#include "boot/image.h"
#include "classify/restore.h"
#include "shims/bpf/abi.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static volatile uint32_t sink;

static void touch(const void *bytes, size_t size)
{
    sink += (uint32_t)crc32(0, bytes, (uInt)size);
}

static void use(const struct boot_image *image)
{
    struct classify_image *policy = classify_image_restore(image->policy, image->policy_size,
                                                           image->groups, image->group_count);

    for (uint32_t i = 0; i < image->app_count; i++)
        touch(image->apps[i], strlen(image->apps[i]));
    for (uint32_t i = 0; i < image->callout_count; i++)
        touch(image->callouts[i].bytes, image->callouts[i].size);
    if (!policy)
        abort();
    for (uint16_t layer = 0; layer < CLASSIFY_LAYERS; layer++) {
        const struct classify_layer *found = classify_image_layer(policy, layer);

        if (found)
            touch(found, sizeof(*found));
    }
    classify_image_free(policy);
}

/* What is made of an image that was read is the same image. */
static void write_again(const struct boot_image *image)
{
    struct boot_reason reason;
    struct boot_image again;
    uint8_t *bytes;
    size_t size;

    if (boot_image_encode(image, &bytes, &size))
        return;
    if (boot_image_decode(&again, bytes, size, &reason) || again.app_count != image->app_count ||
        again.policy_size != image->policy_size)
        abort();
    boot_image_free(&again);
    free(bytes);
}

static void read_image(const uint8_t *bytes, size_t size)
{
    struct boot_reason reason;
    struct boot_image image;

    if (boot_image_decode(&image, bytes, size, &reason))
        return;
    use(&image);
    write_again(&image);
    boot_image_free(&image);
}

static void mend(uint8_t *bytes, size_t size)
{
    struct boot_header *header = (void *)bytes;

    header->format = BOOT_IMAGE_FORMAT;
    header->abi = ALE_ABI;
    header->size = size;
    header->body_crc = (uint32_t)crc32(0, bytes + sizeof(*header), (uInt)(size - sizeof(*header)));
    header->header_crc = (uint32_t)crc32(0, bytes, offsetof(struct boot_header, header_crc));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *bytes = malloc(size + 1); /* aligned, and its end is where reading must end */

    memcpy(bytes, data, size);
    read_image(bytes, size);
    if (size >= sizeof(struct boot_header)) {
        mend(bytes, size);
        read_image(bytes, size);
    }
    free(bytes);
    return 0;
}
