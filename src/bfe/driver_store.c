/* Drivers in the journal: name, path, and the callouts that their filters may be waiting for. */
#include <string.h>

#include "driver.h"
#include "service.h"

struct packed_callout {
    GUID key;
    uint32_t id, flags;
};

size_t driver_pack(const struct driver *driver, uint8_t *bytes, size_t room)
{
    size_t name = strlen(driver->name) + 1, path = strlen(driver->path) + 1, used = name + path;

    if (used + driver->host.count * sizeof(struct packed_callout) > room)
        return 0;
    memcpy(bytes, driver->name, name);
    memcpy(bytes + name, driver->path, path);
    for (size_t i = 0; i < driver->host.count; i++) {
        const struct engine_host_callout *callout = &driver->host.callouts[i];
        const struct packed_callout packed = {callout->key, callout->id, callout->flags};

        memcpy(bytes + used, &packed, sizeof(packed));
        used += sizeof(packed);
    }
    return used;
}

static const char *unpack_text(const uint8_t **bytes, size_t *size)
{
    const char *text = (const char *)*bytes;
    size_t length = strnlen(text, *size);

    if (length == *size)
        return NULL;
    *bytes += length + 1;
    *size -= length + 1;
    return text;
}

void drivers_restore(struct drivers *drivers, const GUID *key, const uint8_t *bytes, size_t size)
{
    const char *name = unpack_text(&bytes, &size);
    const char *path = name ? unpack_text(&bytes, &size) : NULL;
    struct driver *driver = path ? drivers_add_known(drivers, key, name, path) : NULL;
    struct packed_callout packed;

    if (!driver)
        return;
    for (; size >= sizeof(packed); bytes += sizeof(packed), size -= sizeof(packed)) {
        memcpy(&packed, bytes, sizeof(packed));
        engine_host_restore(&drivers->service->engine,
                            &(struct engine_host_callout){
                                .key = packed.key, .id = packed.id, .flags = packed.flags});
    }
    driver_start_known(driver);
}
