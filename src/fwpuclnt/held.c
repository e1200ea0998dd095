/* openwfp.h: questions of hold filters. */
#include "client.h"

static void on_held(void *callback, void *context, const OPENWFP_HELD_NOTICE *notice)
{
    ((OPENWFP_HELD_CALLBACK)callback)(context, notice);
}

EXPORT DWORD WINAPI OpenWfpHeldSubscribe0(HANDLE engineHandle, OPENWFP_HELD_CALLBACK callback,
                                          void *context, HANDLE *subscriptionHandle)
{
    const struct delivery_handler handler = {
        .held = on_held, .callback = (void *)callback, .context = context};

    return subscribe(engineHandle, MODEL_ENGINE, NULL, 0, false, &handler, subscriptionHandle);
}

EXPORT DWORD WINAPI OpenWfpHeldUnsubscribe0(HANDLE engineHandle, HANDLE subscriptionHandle)
{
    return unsubscribe(engineHandle, subscriptionHandle);
}

EXPORT DWORD WINAPI OpenWfpHeldEnum0(HANDLE engineHandle, OPENWFP_HELD ***entries,
                                     UINT32 *numEntries)
{
    Rpc__Empty empty = RPC__EMPTY__INIT;
    struct call call;
    void **held;
    size_t count;

    if (!call_begin(&call, engineHandle) || !call_needs(&call, entries, "entries") ||
        !call_needs(&call, numEntries, "numEntries"))
        return call_end(&call);
    call.request.call_case = RPC__REQUEST__CALL_HELD_LIST;
    call.request.held_list = &empty;
    if (call_send_keep(&call, RPC__REPLY__RESULT_HELD_LIST)) {
        if (decode_held_list(&call.converter, call.reply->held_list, &count, &held))
            call_give(&call, held, count, (void ***)entries, numEntries);
        else
            call_failed(&call);
    }
    return call_end(&call);
}

EXPORT DWORD WINAPI OpenWfpHeldAnswer0(HANDLE engineHandle, UINT64 id, FWP_ACTION_TYPE action)
{
    Rpc__HeldAnswer message = RPC__HELD_ANSWER__INIT;
    struct call call;

    if (call_begin(&call, engineHandle)) {
        message.id = id;
        message.action = action;
        call.request.call_case = RPC__REQUEST__CALL_HELD_ANSWER;
        call.request.held_answer = &message;
        call_send(&call, RPC__REPLY__RESULT__NOT_SET);
    }
    return call_end(&call);
}

EXPORT DWORD WINAPI OpenWfpHoldGet(HANDLE engineHandle, OPENWFP_HOLD *hold)
{
    Rpc__Empty empty = RPC__EMPTY__INIT;
    struct call call;

    if (!call_begin(&call, engineHandle) || !call_needs(&call, hold, "hold"))
        return call_end(&call);
    call.request.call_case = RPC__REQUEST__CALL_HOLD;
    call.request.hold = &empty;
    if (call_send(&call, RPC__REPLY__RESULT_HOLD) &&
        !decode_hold(&call.converter, call.reply->hold, hold))
        call_failed(&call);
    return call_end(&call);
}
