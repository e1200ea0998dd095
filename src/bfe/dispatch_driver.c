/* Callout drivers: loading and unloading them, and what their hosts ask for. */
#include "dispatch.h"

#include <ctype.h>
#include <limits.h>
#include <string.h>

#include "driver.h"
#include "log.h"
#include "service.h"
#include "shims/hold/hold.h"

/* ---- from administrators ---- */

/* A driver runs with the rights of a kernel caller: only administrators, whatever the descriptors
 * say, and not from within a driver. */
static uint32_t check_allowed(struct client *client)
{
    if (!client->peer.caller.privileged || client->driver)
        return client_error(client, ERROR_ACCESS_DENIED,
                            "only root and members of the administrators' group may load or "
                            "unload callout drivers");
    if (model_txn_in_progress(client->session))
        return client_error(client, FWP_E_TXN_IN_PROGRESS,
                            "a driver changes the policy itself: it can't be loaded or unloaded "
                            "inside a transaction");
    return model_access_check(client->session, MODEL_CALLOUT, FWPM_ACTRL_ADD,
                              &client->convert.error);
}

static bool is_name(const char *name)
{
    size_t length = strlen(name);

    for (size_t i = 0; i < length; i++)
        if (!isalnum((unsigned char)name[i]) && !strchr("._-", name[i]))
            return false;
    return length && length <= DRIVER_NAME_MAX && name[0] != '-' && name[0] != '.';
}

uint32_t call_driver_load(struct client *client, const Rpc__Request *request)
{
    const Rpc__DriverLoad *load = request->driver_load;
    uint32_t code = check_allowed(client);

    if (code != ERROR_SUCCESS)
        return code;
    if (!is_name(load->name))
        return client_error(client, ERROR_INVALID_PARAMETER,
                            "a driver's name has 1 to %u letters, digits, \".\", \"_\" and \"-\"",
                            DRIVER_NAME_MAX);
    if (load->path[0] != '/' || strlen(load->path) >= PATH_MAX)
        return client_error(client, ERROR_INVALID_PARAMETER, "the driver's path is not absolute");
    log_line(LOG_NOTICE, "driver %s is being loaded by %s", load->name,
             client_text(client, (char[CLIENT_TEXT_SIZE]){0}));
    return driver_load(client, load->name, load->path);
}

uint32_t call_driver_unload(struct client *client, const Rpc__Request *request)
{
    uint32_t code = check_allowed(client);

    return code == ERROR_SUCCESS ? driver_unload(client, request->driver_unload->name) : code;
}

static OPENWFP_DRIVER describe(const struct driver *driver)
{
    return (OPENWFP_DRIVER){
        .name = driver->name,
        .path = driver->path,
        .reason = (char *)driver->reason,
        .state = driver->state,
        .processId = (UINT32)driver->pid,
        .numCallouts = (UINT32)driver->host.count,
        .restarts = driver->restarts,
        .since = {(uint32_t)driver->since, (uint32_t)(driver->since >> 32)},
    };
}

uint32_t call_driver_list(struct client *client, const Rpc__Request *request)
{
    OPENWFP_DRIVER *shown = arena_array(&client->arena, DRIVERS_MAX, sizeof(*shown));
    const struct driver *driver = client->service->drivers.first;
    size_t count = 0;
    uint32_t code;

    code =
        model_access_check(client->session, MODEL_CALLOUT, FWPM_ACTRL_ENUM, &client->convert.error);
    if (code != ERROR_SUCCESS)
        return code;
    if (!shown)
        return client_no_memory(client);
    for (; driver && count < DRIVERS_MAX; driver = driver->next)
        shown[count++] = describe(driver);
    client->reply.drivers = encode_drivers(&client->convert, count, shown);
    if (!client->reply.drivers)
        return client->convert.error.code;
    client->reply.result_case = RPC__REPLY__RESULT_DRIVERS;
    return ERROR_SUCCESS;
}

/* ---- from hosts ---- */

static bool is_host(struct client *client)
{
    if (client->driver)
        return true;
    client_error(client, FWP_E_KM_CLIENTS_ONLY, "only a callout driver's host may ask for this");
    return false;
}

static void note_callouts(struct client *client)
{
    if (client->driver->remembered)
        store_note_driver(&client->service->store, &client->driver->key);
}

uint32_t call_driver_callout_register(struct client *client, const Rpc__Request *request)
{
    const Rpc__DriverCalloutRegister *wanted = request->driver_callout_register;
    struct engine_host_callout callout = {
        .flags =
            (wanted->has_flow_delete ? HOLD_CALLOUT_WATCHES_FLOWS : 0) |
            (wanted->flags & FWP_CALLOUT_FLAG_CONDITIONAL_ON_FLOW ? HOLD_CALLOUT_CONDITIONAL : 0),
        .notify = wanted->has_notify,
    };
    Rpc__Added *added = client_message(client, &rpc__added__descriptor);
    GUID *key = arena_alloc(&client->arena, sizeof(*key));
    uint32_t code, id = 0;

    if (!added || !key)
        return client_no_memory(client);
    if (!is_host(client) || !decode_guid(&client->convert, "calloutKey", wanted->key, key))
        return client->convert.error.code;
    callout.key = *key;
    code = engine_host_register(&client->service->engine, &client->driver->host, &callout, &id,
                                &client->convert.error);
    if (code != ERROR_SUCCESS)
        return code;
    note_callouts(client);
    added->key = encode_guid(key);
    added->id = id;
    client->reply.added = added;
    client->reply.result_case = RPC__REPLY__RESULT_ADDED;
    return ERROR_SUCCESS;
}

uint32_t call_driver_callout_unregister(struct client *client, const Rpc__Request *request)
{
    uint32_t code;

    if (!is_host(client))
        return client->convert.error.code;
    code = engine_host_unregister(&client->service->engine, &client->driver->host,
                                  request->driver_callout_unregister->id, &client->convert.error);
    if (code == ERROR_SUCCESS)
        note_callouts(client);
    return code;
}

uint32_t call_driver_ready(struct client *client, const Rpc__Request *request)
{
    return is_host(client) ? driver_ready(client, request->driver_ready->status)
                           : client->convert.error.code;
}
