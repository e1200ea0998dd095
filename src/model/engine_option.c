/* Options of the whole engine (rule 14.2): all are FWP_UINT32. */
#include "model_private.h"

static uint32_t check_option(FWPM_ENGINE_OPTION option, struct model_error *error)
{
    if ((unsigned)option < FWPM_ENGINE_OPTION_MAX)
        return ERROR_SUCCESS;
    return fail(error, FWP_E_OUT_OF_BOUNDS, "%u is no engine option.", (unsigned)option);
}

uint32_t model_engine_get_option(struct model_session *session, FWPM_ENGINE_OPTION option,
                                 FWP_VALUE0 *value, struct model_error *error)
{
    uint32_t rc = check_option(option, error);

    if (rc == ERROR_SUCCESS)
        rc = access_container(session, MODEL_ENGINE, FWPM_ACTRL_READ, error);
    if (rc == ERROR_SUCCESS)
        *value =
            (FWP_VALUE0){.type = FWP_UINT32, .uint32 = model_engine_option(session->model, option)};
    return rc;
}

uint32_t model_engine_set_option(struct model_session *session, FWPM_ENGINE_OPTION option,
                                 const FWP_VALUE0 *value, struct model_error *error)
{
    uint32_t rc = check_option(option, error);

    if (rc != ERROR_SUCCESS)
        return rc;
    if (session->txn != TXN_NONE)
        return fail(error, FWP_E_TXN_IN_PROGRESS,
                    "Engine options can't be set inside of a transaction; end it first.");
    if (value->type != FWP_UINT32)
        return fail(error, FWP_E_TYPE_MISMATCH, "Engine options are of type FWP_UINT32, not %s.",
                    value_type_name(value->type));
    rc = access_container(session, MODEL_ENGINE, FWPM_ACTRL_WRITE, error);
    if (rc == ERROR_SUCCESS)
        session->model->options[option] = value->uint32;
    return rc;
}

uint32_t model_engine_option(const struct model *model, FWPM_ENGINE_OPTION option)
{
    return (unsigned)option < FWPM_ENGINE_OPTION_MAX ? model->options[option] : 0;
}
