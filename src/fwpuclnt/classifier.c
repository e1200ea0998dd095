/* openwfp.h: the classifier. */
#include "client.h"

EXPORT DWORD WINAPI OpenWfpClassifierGet(HANDLE engineHandle, OPENWFP_CLASSIFIER **classifier)
{
    Rpc__Empty empty = RPC__EMPTY__INIT;
    OPENWFP_CLASSIFIER *payload;
    struct call call;

    if (!call_begin(&call, engineHandle) || !call_needs(&call, classifier, "classifier"))
        return call_end(&call);
    call.request.call_case = RPC__REQUEST__CALL_CLASSIFIER;
    call.request.classifier = &empty;
    if (call_send_keep(&call, RPC__REPLY__RESULT_CLASSIFIER) &&
        (payload = call_payload(&call, sizeof(*payload)))) {
        if (decode_classifier(&call.converter, call.reply->classifier, payload))
            *classifier = call_keep(&call, payload);
        else
            call_failed(&call);
    }
    return call_end(&call);
}
