#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <zlib.h>

#include "boot/format.h"
#include "boot/image.h"
#include "classify/restore.h"
#include "shims/bpf/abi.h"

/* ---- the file ---- */

static int read_all(int fd, uint8_t *bytes, size_t size)
{
    size_t done = 0;

    while (done < size) {
        ssize_t some = read(fd, bytes + done, size - done);

        if (some < 0)
            return -errno;
        if (!some)
            return -EIO;
        done += (size_t)some;
    }
    return 0;
}

static int read_file(int fd, uint8_t **bytes, size_t *size)
{
    struct stat status;
    int code;

    if (fstat(fd, &status))
        return -errno;
    if (!S_ISREG(status.st_mode))
        return -EINVAL;
    if (status.st_size > (off_t)BOOT_IMAGE_MOST)
        return -EFBIG;
    *size = (size_t)status.st_size;
    *bytes = malloc(*size + 1);
    if (!*bytes)
        return -ENOMEM;
    code = read_all(fd, *bytes, *size);
    if (code) {
        free(*bytes);
        *bytes = NULL;
    }
    return code;
}

int boot_image_read(const char *path, uint8_t **bytes, size_t *size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    int code;

    *bytes = NULL;
    if (fd < 0)
        return -errno;
    code = read_file(fd, bytes, size);
    close(fd);
    return code;
}

/* ---- its parts ---- */

struct reader {
    const uint8_t *at, *end;
    struct boot_reason *reason;
};

static int fail(struct boot_reason *reason, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static int fail(struct boot_reason *reason, int code, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(reason->text, sizeof(reason->text), format, arguments);
    va_end(arguments);
    return code;
}

/* NULL: there is not so much left. */
static const void *take(struct reader *reader, size_t size)
{
    size_t left = (size_t)(reader->end - reader->at);
    const uint8_t *at = reader->at;

    if (size > left || BOOT_PADDED(size) > left)
        return NULL;
    reader->at += BOOT_PADDED(size);
    return at;
}

static int check_header(const struct boot_header *header, size_t size, struct boot_reason *reason)
{
    if (size < sizeof(*header) || memcmp(header->magic, BOOT_MAGIC, sizeof(header->magic)))
        return fail(reason, -EBADMSG, "it is no boot image");
    if (header->format != BOOT_IMAGE_FORMAT || header->abi != ALE_ABI)
        return fail(reason, -EPROTO, "it is of version %u.%u, and this is %u.%u", header->format,
                    header->abi, BOOT_IMAGE_FORMAT, ALE_ABI);
    if (header->header_crc !=
        (uint32_t)crc32(0, (const Bytef *)header, offsetof(struct boot_header, header_crc)))
        return fail(reason, -EBADMSG, "its header's checksum is wrong");
    if (header->size != size || size > BOOT_IMAGE_MOST)
        return fail(reason, -EBADMSG, "it has %zu bytes, and should have %llu", size,
                    (unsigned long long)header->size);
    if (header->body_crc !=
        (uint32_t)crc32(0, (const Bytef *)(header + 1), (uInt)(size - sizeof(*header))))
        return fail(reason, -EBADMSG, "its checksum is wrong");
    return 0;
}

/* A path without its end: the pieces are padded with zeros, but not all of them. */
static int take_app(struct reader *reader, const char **app)
{
    const struct boot_piece *piece = take(reader, sizeof(*piece));
    const char *path = piece && piece->size < SHIM_PATH ? take(reader, piece->size) : NULL;

    if (!path || memchr(path, 0, piece->size))
        return fail(reader->reason, -EBADMSG, "a program's path is damaged");
    *app = strndup(path, piece->size);
    return *app ? 0 : -ENOMEM;
}

static int take_apps(struct reader *reader, struct boot_image *image, uint32_t count)
{
    int code = 0;

    if (count >= BOOT_APPS)
        return fail(reader->reason, -EBADMSG, "it names %u programs", count);
    image->apps = calloc(count + 1, sizeof(*image->apps));
    if (!image->apps)
        return -ENOMEM;
    for (uint32_t i = 0; !code && i < count; i++) {
        code = take_app(reader, &image->apps[i]);
        image->app_count += !code;
    }
    return code;
}

static int take_groups(struct reader *reader, struct boot_image *image, uint32_t count)
{
    const void *groups =
        count <= BOOT_GROUPS ? take(reader, count * sizeof(image->groups[0])) : NULL;

    if (!groups)
        return fail(reader->reason, -EBADMSG, "its groups are damaged");
    memcpy(image->groups, groups, count * sizeof(image->groups[0]));
    image->group_count = count;
    return 0;
}

static int take_callout(struct reader *reader, struct shim_callout *callout)
{
    const struct boot_piece *piece = take(reader, sizeof(*piece));
    const void *bytes = piece ? take(reader, piece->size) : NULL;

    if (!bytes || !piece->size || piece->size > ALE_CALLOUT_BYTES ||
        piece->slot >= CLASSIFY_CALLOUTS)
        return fail(reader->reason, -EBADMSG, "a callout is damaged");
    *callout = (struct shim_callout){.slot = piece->slot, .bytes = bytes, .size = piece->size};
    return 0;
}

static int take_callouts(struct reader *reader, struct boot_image *image, uint32_t count)
{
    int code = 0;

    if (count > CLASSIFY_CALLOUTS)
        return fail(reader->reason, -EBADMSG, "it has %u callouts", count);
    for (uint32_t i = 0; !code && i < count; i++)
        code = take_callout(reader, &image->callouts[i]);
    image->callout_count = count;
    return code;
}

static int take_policy(struct reader *reader, struct boot_image *image, uint64_t size)
{
    if (size != (uint64_t)(reader->end - reader->at) || !classify_image_sound(reader->at, size))
        return fail(reader->reason, -EBADMSG, "its policy is damaged");
    image->policy = reader->at;
    image->policy_size = size;
    return 0;
}

int boot_image_decode(struct boot_image *image, const uint8_t *bytes, size_t size,
                      struct boot_reason *reason)
{
    const struct boot_header *header = (const void *)bytes;
    struct reader reader = {.at = bytes + sizeof(*header), .end = bytes + size, .reason = reason};
    int code;

    *image = (struct boot_image){0};
    *reason = (struct boot_reason){.text = "out of memory"};
    code = check_header(header, size, reason);
    if (code)
        return code;
    image->filters = header->filters;
    image->checksum = header->body_crc;
    code = take_apps(&reader, image, header->app_count);
    if (!code)
        code = take_groups(&reader, image, header->group_count);
    if (!code)
        code = take_callouts(&reader, image, header->callout_count);
    if (!code)
        code = take_policy(&reader, image, header->policy_size);
    if (code)
        boot_image_free(image);
    return code;
}

void boot_image_free(struct boot_image *image)
{
    for (uint32_t i = 0; i < image->app_count; i++)
        free((char *)image->apps[i]);
    free(image->apps);
    *image = (struct boot_image){0};
}
