/* Engine handles: opening, closing, options, transactions. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rpcdce.h>

#include "client.h"
#include "model/utf16.h"

/* ---- open */

static char *socket_path(PCWSTR serverName)
{
    const char *path = getenv("OPENWFP_SOCKET");

    if (serverName)
        return utf16_to_utf8(serverName);
    return strdup(path && path[0] ? path : OPENWFP_SOCKET_PATH);
}

static void engine_free(struct engine *engine)
{
    engine->magic = 0;
    if (engine->fd >= 0)
        close(engine->fd);
    frame_reader_free(&engine->reader);
    frame_writer_free(&engine->writer);
    arena_free(&engine->arena);
    pthread_mutex_destroy(&engine->lock);
    free(engine->path);
    free(engine);
}

static struct engine *engine_new(char *path)
{
    struct engine *engine = calloc(1, sizeof(*engine));

    if (!engine) {
        free(path);
        return NULL;
    }
    engine->magic = ENGINE_MAGIC;
    engine->fd = -1;
    engine->path = path;
    pthread_mutex_init(&engine->lock, NULL);
    frame_reader_init(&engine->reader, FRAME_MAX);
    frame_writer_init(&engine->writer, FRAME_MAX + FRAME_HEADER);
    arena_init(&engine->arena, CLIENT_REQUEST_MEMORY);
    return engine;
}

static DWORD open_session(struct engine *engine, const FWPM_SESSION0 *session)
{
    Rpc__Open message = RPC__OPEN__INIT;
    struct call call;

    if (!call_begin(&call, engine))
        return call_end(&call);
    message.version = RPC_VERSION;
    call.request.call_case = RPC__REQUEST__CALL_OPEN;
    call.request.open = &message;
    if (session) {
        message.session = encode_session(&call.converter, session);
        if (!message.session)
            call_failed(&call);
    }
    if (!call.code && call_send(&call, RPC__REPLY__RESULT_OPENED) &&
        call.reply->opened->token.len == RPC_TOKEN_SIZE) {
        memcpy(engine->token, call.reply->opened->token.data, RPC_TOKEN_SIZE);
        decode_guid(&call.converter, "key", call.reply->opened->key, &engine->session_key);
    }
    if (call.code == FWP_E_SESSION_ABORTED)
        call_refuse(&call, RPC_S_SERVER_UNAVAILABLE,
                    "what listens there does not answer like a base filtering engine");
    return call_end(&call);
}

/*
 * serverName: the path of the service's socket; NULL as on Windows for the usual one. authnService:
 * the socket's peer credentials say who calls, whatever is asked for, but it must be one of the two
 * services that Windows takes.
 */
EXPORT DWORD WINAPI FwpmEngineOpen0(PCWSTR serverName, UINT32 authnService,
                                    SEC_WINNT_AUTH_IDENTITY_W *authIdentity,
                                    const FWPM_SESSION0 *session, HANDLE *engineHandle)
{
    struct engine *engine;
    DWORD code;

    if (!engineHandle)
        return error_set(FWP_E_NULL_POINTER, "engineHandle is a null pointer");
    *engineHandle = NULL;
    if (authnService != RPC_C_AUTHN_WINNT && authnService != RPC_C_AUTHN_DEFAULT)
        return error_set(ERROR_NOT_SUPPORTED,
                         "authnService %u: use RPC_C_AUTHN_WINNT or RPC_C_AUTHN_DEFAULT",
                         authnService);
    engine = engine_new(socket_path(serverName));
    if (!engine || !engine->path) {
        if (engine)
            engine_free(engine);
        return error_set(ERROR_NOT_ENOUGH_MEMORY, "out of memory");
    }
    code = socket_connect(engine->path, &engine->fd);
    if (!code)
        code = open_session(engine, session);
    if (code)
        engine_free(engine);
    else
        *engineHandle = engine;
    return code;
}

/* ---- close */

/* Waits for the answer: after it, the session's dynamic objects are gone. */
static void say_goodbye(struct engine *engine)
{
    Rpc__Empty empty = RPC__EMPTY__INIT;
    struct call call;

    if (call_begin(&call, engine)) {
        call.request.call_case = RPC__REQUEST__CALL_CLOSE;
        call.request.close = &empty;
        call_send(&call, RPC__REPLY__RESULT__NOT_SET);
    }
    call_end(&call);
}

/* NULL is harmless (rule 8.9); so is a handle whose connection is lost. */
EXPORT DWORD WINAPI FwpmEngineClose0(HANDLE engineHandle)
{
    struct engine *engine = engine_of(engineHandle);

    if (!engineHandle)
        return error_take(ERROR_SUCCESS, "");
    if (!engine)
        return error_set(ERROR_INVALID_HANDLE, "the engine handle is not one that is open");
    say_goodbye(engine);
    dispatcher_stop(engine);
    engine_free(engine);
    return error_take(ERROR_SUCCESS, "");
}

/* ---- options */

EXPORT DWORD WINAPI FwpmEngineGetOption0(HANDLE engineHandle, FWPM_ENGINE_OPTION option,
                                         FWP_VALUE0 **value)
{
    Rpc__OptionGet message = RPC__OPTION_GET__INIT;
    struct call call;

    if (!call_begin(&call, engineHandle) || !call_needs(&call, value, "value"))
        return call_end(&call);
    message.option = option;
    call.request.call_case = RPC__REQUEST__CALL_OPTION_GET;
    call.request.option_get = &message;
    if (call_send_keep(&call, RPC__REPLY__RESULT_OPTION)) {
        FWP_VALUE0 *payload = call_payload(&call, sizeof(*payload));

        if (payload && !decode_value(&call.converter, call.reply->option, payload))
            call_failed(&call);
        if (!call.code)
            *value = call_keep(&call, payload);
    }
    return call_end(&call);
}

EXPORT DWORD WINAPI FwpmEngineSetOption0(HANDLE engineHandle, FWPM_ENGINE_OPTION option,
                                         const FWP_VALUE0 *newValue)
{
    Rpc__OptionSet message = RPC__OPTION_SET__INIT;
    struct call call;

    if (!call_begin(&call, engineHandle) || !call_needs(&call, newValue, "newValue"))
        return call_end(&call);
    message.option = option;
    message.value = encode_value(&call.converter, newValue);
    call.request.call_case = RPC__REQUEST__CALL_OPTION_SET;
    call.request.option_set = &message;
    if (!message.value)
        call_failed(&call);
    else
        call_send(&call, RPC__REPLY__RESULT__NOT_SET);
    return call_end(&call);
}

/* ---- transactions */

EXPORT DWORD WINAPI FwpmTransactionBegin0(HANDLE engineHandle, UINT32 flags)
{
    Rpc__TxnBegin message = RPC__TXN_BEGIN__INIT;
    struct call call;

    if (call_begin(&call, engineHandle)) {
        message.flags = flags;
        call.request.call_case = RPC__REQUEST__CALL_TXN_BEGIN;
        call.request.txn_begin = &message;
        call_send(&call, RPC__REPLY__RESULT__NOT_SET);
    }
    return call_end(&call);
}

EXPORT DWORD WINAPI FwpmTransactionCommit0(HANDLE engineHandle)
{
    Rpc__Empty empty = RPC__EMPTY__INIT;
    struct call call;

    if (call_begin(&call, engineHandle)) {
        call.request.call_case = RPC__REQUEST__CALL_TXN_COMMIT;
        call.request.txn_commit = &empty;
        call_send(&call, RPC__REPLY__RESULT__NOT_SET);
    }
    return call_end(&call);
}

EXPORT DWORD WINAPI FwpmTransactionAbort0(HANDLE engineHandle)
{
    Rpc__Empty empty = RPC__EMPTY__INIT;
    struct call call;

    if (call_begin(&call, engineHandle)) {
        call.request.call_case = RPC__REQUEST__CALL_TXN_ABORT;
        call.request.txn_abort = &empty;
        call_send(&call, RPC__REPLY__RESULT__NOT_SET);
    }
    return call_end(&call);
}
