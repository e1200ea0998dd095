/* The calls of a callout driver's host. */
#include "driver.h"
#include "client.h"

EXPORT DWORD OpenWfpDriverCalloutRegister(HANDLE engineHandle, const GUID *key, UINT32 flags,
                                          bool hasFlowDelete, bool hasNotify, UINT32 *id)
{
    Rpc__DriverCalloutRegister message = RPC__DRIVER_CALLOUT_REGISTER__INIT;
    struct call call;

    if (!call_begin(&call, engineHandle) || !call_needs(&call, key, "key") ||
        !call_needs(&call, id, "id"))
        return call_end(&call);
    message.key = (ProtobufCBinaryData){sizeof(*key), (uint8_t *)key};
    message.flags = flags;
    message.has_flow_delete = hasFlowDelete;
    message.has_notify = hasNotify;
    call.request.call_case = RPC__REQUEST__CALL_DRIVER_CALLOUT_REGISTER;
    call.request.driver_callout_register = &message;
    if (call_send(&call, RPC__REPLY__RESULT_ADDED))
        *id = (UINT32)call.reply->added->id;
    return call_end(&call);
}

EXPORT DWORD OpenWfpDriverCalloutUnregister(HANDLE engineHandle, UINT32 id)
{
    Rpc__DriverCalloutUnregister message = RPC__DRIVER_CALLOUT_UNREGISTER__INIT;
    struct call call;

    if (call_begin(&call, engineHandle)) {
        message.id = id;
        call.request.call_case = RPC__REQUEST__CALL_DRIVER_CALLOUT_UNREGISTER;
        call.request.driver_callout_unregister = &message;
        call_send(&call, RPC__REPLY__RESULT__NOT_SET);
    }
    return call_end(&call);
}

EXPORT DWORD OpenWfpDriverReady(HANDLE engineHandle, NTSTATUS status)
{
    Rpc__DriverReady message = RPC__DRIVER_READY__INIT;
    struct call call;

    if (call_begin(&call, engineHandle)) {
        message.status = (uint32_t)status;
        call.request.call_case = RPC__REQUEST__CALL_DRIVER_READY;
        call.request.driver_ready = &message;
        call_send(&call, RPC__REPLY__RESULT__NOT_SET);
    }
    return call_end(&call);
}
