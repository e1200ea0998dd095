/* openwfp.h: callout drivers. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"

/* The service has another working directory. */
static bool resolve(struct call *call, const char *path, char real[PATH_MAX])
{
    char text[400];

    if (realpath(path, real))
        return true;
    snprintf(text, sizeof(text), "%s: %s", path, strerror(errno));
    return call_refuse(call, errno == ENOENT ? ERROR_FILE_NOT_FOUND : ERROR_ACCESS_DENIED, text);
}

EXPORT DWORD WINAPI OpenWfpDriverLoad(HANDLE engineHandle, const char *name, const char *path)
{
    Rpc__DriverLoad message = RPC__DRIVER_LOAD__INIT;
    char real[PATH_MAX];
    struct call call;

    if (!call_begin(&call, engineHandle) || !call_needs(&call, name, "name") ||
        !call_needs(&call, path, "path") || !resolve(&call, path, real))
        return call_end(&call);
    message.name = (char *)name;
    message.path = real;
    call.request.call_case = RPC__REQUEST__CALL_DRIVER_LOAD;
    call.request.driver_load = &message;
    call_send(&call, RPC__REPLY__RESULT__NOT_SET);
    return call_end(&call);
}

EXPORT DWORD WINAPI OpenWfpDriverUnload(HANDLE engineHandle, const char *name)
{
    Rpc__DriverUnload message = RPC__DRIVER_UNLOAD__INIT;
    struct call call;

    if (!call_begin(&call, engineHandle) || !call_needs(&call, name, "name"))
        return call_end(&call);
    message.name = (char *)name;
    call.request.call_case = RPC__REQUEST__CALL_DRIVER_UNLOAD;
    call.request.driver_unload = &message;
    call_send(&call, RPC__REPLY__RESULT__NOT_SET);
    return call_end(&call);
}

EXPORT DWORD WINAPI OpenWfpDriverList(HANDLE engineHandle, OPENWFP_DRIVER ***entries,
                                      UINT32 *numEntries)
{
    Rpc__Empty empty = RPC__EMPTY__INIT;
    struct call call;
    void **objects;
    size_t count;

    if (!call_begin(&call, engineHandle) || !call_needs(&call, entries, "entries") ||
        !call_needs(&call, numEntries, "numEntries"))
        return call_end(&call);
    call.request.call_case = RPC__REQUEST__CALL_DRIVER_LIST;
    call.request.driver_list = &empty;
    if (call_send_keep(&call, RPC__REPLY__RESULT_DRIVERS)) {
        if (decode_drivers(&call.converter, call.reply->drivers, &count, &objects))
            call_give(&call, objects, count, (void ***)entries, numEntries);
        else
            call_failed(&call);
    }
    return call_end(&call);
}
