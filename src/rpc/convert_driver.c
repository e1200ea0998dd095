/* Loaded callout drivers. */
#include "rpc/convert_private.h"

static Rpc__Driver *encode_driver(struct converter *c, const OPENWFP_DRIVER *driver)
{
    Rpc__Driver *message = NEW_MESSAGE(c, Rpc__Driver, rpc__driver__init);

    if (!message)
        return NULL;
    message->name = driver->name;
    message->path = driver->path;
    message->reason = driver->reason;
    message->state = driver->state;
    message->process_id = driver->processId;
    message->callouts = driver->numCallouts;
    message->restarts = driver->restarts;
    message->since = encode_filetime(&driver->since);
    return message;
}

Rpc__Drivers *encode_drivers(struct converter *c, size_t count, const OPENWFP_DRIVER *drivers)
{
    Rpc__Drivers *message = NEW_MESSAGE(c, Rpc__Drivers, rpc__drivers__init);

    if (!message || !(message->drivers = take_pointers(c, count)))
        return NULL;
    for (size_t i = 0; i < count; i++) {
        message->drivers[i] = encode_driver(c, &drivers[i]);
        if (!message->drivers[i])
            return NULL;
        message->n_drivers++;
    }
    return message;
}

bool decode_drivers(struct converter *c, const Rpc__Drivers *message, size_t *count,
                    void ***drivers)
{
    OPENWFP_DRIVER *each = take_array(c, message->n_drivers, sizeof(*each));

    *count = message->n_drivers;
    *drivers = take_pointers(c, *count);
    if (!each || !*drivers)
        return false;
    for (size_t i = 0; i < *count; i++, each++) {
        const Rpc__Driver *driver = message->drivers[i];

        if (!check_fits(c, "state", driver->state, OPENWFP_DRIVER_FAILED))
            return false;
        each->name = driver->name;
        each->path = driver->path;
        each->reason = driver->reason;
        each->state = (OPENWFP_DRIVER_STATE)driver->state;
        each->processId = driver->process_id;
        each->numCallouts = driver->callouts;
        each->restarts = driver->restarts;
        decode_filetime(driver->since, &each->since);
        (*drivers)[i] = each;
    }
    return true;
}
