/* openwfp.h: explain, callout code, the engine's report, flows. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client.h"

/* ---- events and explain */

EXPORT DWORD WINAPI OpenWfpCollect(HANDLE engineHandle, UINT32 mask)
{
    Rpc__Collect message = RPC__COLLECT__INIT;
    struct call call;

    if (call_begin(&call, engineHandle)) {
        message.mask = mask;
        call.request.call_case = RPC__REQUEST__CALL_COLLECT;
        call.request.collect = &message;
        call_send(&call, RPC__REPLY__RESULT__NOT_SET);
    }
    return call_end(&call);
}

EXPORT DWORD WINAPI OpenWfpExplain(HANDLE engineHandle, const OPENWFP_EXPLAIN_REQUEST *request,
                                   OPENWFP_EXPLANATION **explanation)
{
    OPENWFP_EXPLANATION *payload;
    struct call call;

    if (!call_begin(&call, engineHandle) || !call_needs(&call, request, "request") ||
        !call_needs(&call, explanation, "explanation"))
        return call_end(&call);
    call.request.call_case = RPC__REQUEST__CALL_EXPLAIN;
    call.request.explain = encode_explain(&call.converter, request);
    if (!call.request.explain) {
        call_failed(&call);
    } else if (call_send_keep(&call, RPC__REPLY__RESULT_EXPLAINED) &&
               (payload = call_payload(&call, sizeof(*payload)))) {
        if (decode_explanation(&call.converter, call.reply->explained, payload))
            *explanation = call_keep(&call, payload);
        else
            call_failed(&call);
    }
    return call_end(&call);
}

/* ---- callout code */

static bool file_refused(struct call *call, DWORD code, const char *path, const char *why)
{
    char text[400];

    snprintf(text, sizeof(text), "%s: %s", path, why);
    return call_refuse(call, code, text);
}

static bool read_all(struct call *call, int fd, size_t size, ProtobufCBinaryData *bytes)
{
    bytes->data = arena_alloc(call->converter.arena, size);
    while (bytes->data && bytes->len < size) {
        ssize_t got = read(fd, bytes->data + bytes->len, size - bytes->len);

        if (got <= 0)
            return false;
        bytes->len += (size_t)got;
    }
    return bytes->data;
}

/* The whole file, in the call's arena. */
static bool read_object(struct call *call, const char *path, ProtobufCBinaryData *bytes)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat status;
    bool good;

    if (fd < 0)
        return file_refused(call, errno == ENOENT ? ERROR_FILE_NOT_FOUND : ERROR_ACCESS_DENIED,
                            path, strerror(errno));
    if (fstat(fd, &status) || !S_ISREG(status.st_mode) || !status.st_size ||
        status.st_size > RPC_MAX_OBJECT) {
        close(fd);
        return file_refused(call, ERROR_INVALID_PARAMETER, path,
                            "not an object file of at most 8 MiB");
    }
    good = read_all(call, fd, (size_t)status.st_size, bytes);
    close(fd);
    return good || file_refused(call, ERROR_INVALID_PARAMETER, path, "can't be read");
}

EXPORT DWORD WINAPI OpenWfpCalloutLoad(HANDLE engineHandle, const GUID *calloutKey,
                                       const char *path, UINT32 *calloutId)
{
    Rpc__CalloutLoad message = RPC__CALLOUT_LOAD__INIT;
    char real[PATH_MAX]; /* one file has one name: code is shared and replaced by it */
    struct call call;

    if (!call_begin(&call, engineHandle) || !call_needs(&call, calloutKey, "calloutKey") ||
        !call_needs(&call, path, "path") || !read_object(&call, path, &message.object))
        return call_end(&call);
    message.key = encode_guid(calloutKey);
    message.name = realpath(path, real) ? real : (char *)path;
    call.request.call_case = RPC__REQUEST__CALL_CALLOUT_LOAD;
    call.request.callout_load = &message;
    if (call_send(&call, RPC__REPLY__RESULT_ADDED) && calloutId)
        *calloutId = (UINT32)call.reply->added->id;
    return call_end(&call);
}

EXPORT DWORD WINAPI OpenWfpCalloutUnload(HANDLE engineHandle, const GUID *calloutKey)
{
    Rpc__CalloutUnload message = RPC__CALLOUT_UNLOAD__INIT;
    struct call call;

    if (!call_begin(&call, engineHandle) || !call_needs(&call, calloutKey, "calloutKey"))
        return call_end(&call);
    message.key = encode_guid(calloutKey);
    call.request.call_case = RPC__REQUEST__CALL_CALLOUT_UNLOAD;
    call.request.callout_unload = &message;
    call_send(&call, RPC__REPLY__RESULT__NOT_SET);
    return call_end(&call);
}

EXPORT DWORD WINAPI OpenWfpCalloutList(HANDLE engineHandle, OPENWFP_LOADED_CALLOUT ***entries,
                                       UINT32 *numEntries)
{
    Rpc__Empty empty = RPC__EMPTY__INIT;
    struct call call;
    void **objects;
    size_t count;

    if (!call_begin(&call, engineHandle) || !call_needs(&call, entries, "entries") ||
        !call_needs(&call, numEntries, "numEntries"))
        return call_end(&call);
    call.request.call_case = RPC__REQUEST__CALL_CALLOUT_LIST;
    call.request.callout_list = &empty;
    if (call_send_keep(&call, RPC__REPLY__RESULT_LOADED_CALLOUTS)) {
        if (decode_loaded_callouts(&call.converter, call.reply->loaded_callouts, &count, &objects))
            call_give(&call, objects, count, (void ***)entries, numEntries);
        else
            call_failed(&call);
    }
    return call_end(&call);
}

/* ---- the engine and its flows */

EXPORT DWORD WINAPI OpenWfpEngineReport(HANDLE engineHandle, OPENWFP_ENGINE_REPORT **report)
{
    Rpc__Empty empty = RPC__EMPTY__INIT;
    OPENWFP_ENGINE_REPORT *payload;
    struct call call;

    if (!call_begin(&call, engineHandle) || !call_needs(&call, report, "report"))
        return call_end(&call);
    call.request.call_case = RPC__REQUEST__CALL_REPORT;
    call.request.report = &empty;
    if (call_send_keep(&call, RPC__REPLY__RESULT_REPORT) &&
        (payload = call_payload(&call, sizeof(*payload)))) {
        if (decode_report(&call.converter, call.reply->report, payload))
            *report = call_keep(&call, payload);
        else
            call_failed(&call);
    }
    return call_end(&call);
}

EXPORT DWORD WINAPI OpenWfpFlowEnum(HANDLE engineHandle, UINT64 after, UINT32 numEntriesRequested,
                                    OPENWFP_FLOW ***entries, UINT32 *numEntriesReturned)
{
    Rpc__FlowList message = RPC__FLOW_LIST__INIT;
    struct call call;
    void **objects;
    size_t count;

    if (!call_begin(&call, engineHandle) || !call_needs(&call, entries, "entries") ||
        !call_needs(&call, numEntriesReturned, "numEntriesReturned"))
        return call_end(&call);
    message.after = after;
    message.wanted = numEntriesRequested;
    call.request.call_case = RPC__REQUEST__CALL_FLOW_LIST;
    call.request.flow_list = &message;
    if (call_send_keep(&call, RPC__REPLY__RESULT_FLOWS)) {
        if (decode_flows(&call.converter, call.reply->flows, &count, &objects))
            call_give(&call, objects, count, (void ***)entries, numEntriesReturned);
        else
            call_failed(&call);
    }
    return call_end(&call);
}
