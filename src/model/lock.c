/* One writer or many readers (rule 9.3), and the calls that begin and end transactions. */
#include "model_private.h"

uint64_t model_now(const struct model *model)
{
    return model->hooks.now_ms ? model->hooks.now_ms(model->hooks.ctx) : 0;
}

/* ---- taking and leaving ---- */

static void leave(struct model_session *session, enum txn_state state)
{
    struct model *model = session->model;

    if (session->txn == TXN_READ)
        model->readers--;
    else
        model->writer = NULL;
    session->txn = state;
    if (model->hooks.unlocked)
        model->hooks.unlocked(model->hooks.ctx);
}

static bool holds_lock(const struct model_session *session)
{
    return session->txn == TXN_READ || session->txn == TXN_WRITE;
}

void txn_leave(struct model_session *session)
{
    if (session->txn == TXN_WRITE)
        txn_roll_back(session->model);
    if (holds_lock(session))
        leave(session, TXN_NONE);
}

/* In how many milliseconds the session's hold on the lock expires (rule 9.5). */
static uint64_t time_left(const struct model_session *session, uint64_t now)
{
    uint64_t held = now - session->txn_started_ms;

    if (!holds_lock(session) || session->kernel)
        return UINT64_MAX;
    return held < MODEL_TXN_HOLD_LIMIT_MS ? MODEL_TXN_HOLD_LIMIT_MS - held : 0;
}

static void force_out(struct model_session *session)
{
    if (session->txn == TXN_WRITE)
        txn_roll_back(session->model);
    leave(session, TXN_FORCED_OUT);
}

uint64_t model_tick(struct model *model)
{
    uint64_t now = model_now(model), next = UINT64_MAX;

    if (!model->writer && !model->readers)
        return next;
    for (struct model_session *session = model->sessions; session; session = session->next) {
        uint64_t left = time_left(session, now);

        if (left == 0)
            force_out(session);
        else if (left < next)
            next = left;
    }
    return next;
}

static uint32_t check_forced(const struct model_session *session, struct model_error *error)
{
    if (session->txn != TXN_FORCED_OUT)
        return ERROR_SUCCESS;
    return fail(error, FWP_E_TXN_ABORTED,
                "The transaction was aborted because it held the lock for more than %u minutes; "
                "abort it, begin again and be quicker.",
                MODEL_TXN_HOLD_LIMIT_MS / 60000);
}

static const struct model_session *lock_holder(const struct model *model)
{
    const struct model_session *session = model->writer ? model->writer : model->sessions;

    while (session && !holds_lock(session))
        session = session->next;
    return session;
}

static uint32_t would_block(const struct model *model, struct model_error *error)
{
    const struct model_session *holder = lock_holder(model);

    return fail(error, MODEL_WOULD_BLOCK,
                "The transaction lock is held by a session of process %u.",
                holder ? holder->info->processId : 0);
}

uint32_t read_begin(struct model_session *session, struct model_error *error)
{
    if (holds_lock(session))
        model_tick(session->model);
    return check_forced(session, error);
}

uint32_t write_begin(struct model_session *session, struct model_error *error)
{
    struct model *model = session->model;

    model_tick(model);
    switch (session->txn) {
    case TXN_FORCED_OUT:
        return check_forced(session, error);
    case TXN_READ:
        return fail(error, FWP_E_INCOMPATIBLE_TXN,
                    "The session is in a read-only transaction; end it, or begin it with flags 0.");
    case TXN_WRITE:
        return ERROR_SUCCESS;
    default:
        if (model->writer || model->readers)
            return would_block(model, error);
        model->writer = session;
        return ERROR_SUCCESS;
    }
}

uint32_t write_end(struct model_session *session, uint32_t rc, struct model_error *error)
{
    struct model *model = session->model;

    if (session->txn == TXN_WRITE)
        return rc;
    if (rc == ERROR_SUCCESS)
        rc = txn_commit_pending(model, error);
    else
        txn_roll_back(model);
    model->writer = NULL;
    return rc;
}

/* ---- explicit transactions ---- */

static uint32_t check_begin(struct model_session *session, uint32_t flags,
                            struct model_error *error)
{
    if (flags & ~(uint32_t)FWPM_TXN_READ_ONLY)
        return fail(error, FWP_E_INVALID_FLAGS,
                    "A transaction's flags are 0 or FWPM_TXN_READ_ONLY, not %#x.", flags);
    if (holds_lock(session))
        return fail(error, FWP_E_TXN_IN_PROGRESS,
                    "The session is in a transaction already; commit or abort that first.");
    return access_container(session, MODEL_ENGINE,
                            flags ? FWPM_ACTRL_BEGIN_READ_TXN : FWPM_ACTRL_BEGIN_WRITE_TXN, error);
}

uint32_t model_txn_begin(struct model_session *session, uint32_t flags, struct model_error *error)
{
    struct model *model = session->model;

    model_tick(model);
    uint32_t rc = check_forced(session, error);
    if (rc == ERROR_SUCCESS)
        rc = check_begin(session, flags, error);
    if (rc != ERROR_SUCCESS)
        return rc;
    if (model->writer || (model->readers && !flags))
        return would_block(model, error);
    session->txn = flags ? TXN_READ : TXN_WRITE;
    session->txn_started_ms = model_now(model);
    if (flags)
        model->readers++;
    else
        model->writer = session;
    return ERROR_SUCCESS;
}

/* The client learns of a forced abort from its commit or abort at the latest, and is free then. */
static uint32_t check_end(struct model_session *session, struct model_error *error)
{
    model_tick(session->model);
    uint32_t rc = check_forced(session, error);
    if (rc != ERROR_SUCCESS) {
        session->txn = TXN_NONE;
        return rc;
    }
    if (!holds_lock(session))
        return fail(error, FWP_E_NO_TXN_IN_PROGRESS, "The session has no transaction to end.");
    return ERROR_SUCCESS;
}

uint32_t model_txn_commit(struct model_session *session, struct model_error *error)
{
    uint32_t rc = check_end(session, error);

    if (rc != ERROR_SUCCESS)
        return rc;
    if (session->txn == TXN_WRITE)
        rc = txn_commit_pending(session->model, error);
    leave(session, TXN_NONE);
    return rc;
}

uint32_t model_txn_abort(struct model_session *session, struct model_error *error)
{
    uint32_t rc = check_end(session, error);

    if (rc == ERROR_SUCCESS)
        txn_leave(session);
    return rc;
}

bool model_txn_in_progress(const struct model_session *session)
{
    return holds_lock(session);
}

uint32_t model_session_timed_out(const struct model_session *session, struct model_error *error)
{
    const struct model_session *holder = lock_holder(session->model);

    return fail(
        error, FWP_E_TIMEOUT,
        "The transaction lock was not free within %u ms; it is held by a session of process "
        "%u.",
        model_session_wait_ms(session), holder ? holder->info->processId : 0);
}
