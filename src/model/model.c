#include "model_private.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

/*
 * Everyone may open the engine and read (OPEN, CLASSIFY, ENUM, READ, READ_STATS, SUBSCRIBE and
 * READ_CONTROL), administrators may do everything. BEGIN_READ_TXN is not for everyone: who holds
 * the lock to read keeps writers out. Net events tell who talks to whom: administrators only.
 */
#define ENGINE_SDDL    "O:BAG:BAD:(A;OICI;GA;;;BA)(A;OICI;0x203f0;;;WD)"
#define NET_EVENT_SDDL "O:BAG:BAD:P(A;OICI;GA;;;BA)"

static FWP_BYTE_BLOB *sd_of_text(const char *sddl)
{
    FWP_BYTE_BLOB parsed, *copy;

    if (!sddl_parse(sddl, &parsed, NULL, NULL))
        return NULL;
    copy = sd_blob_copy(&parsed);
    free(parsed.data);
    return copy;
}

static bool fill(struct model *model)
{
    model->container_sd[MODEL_ENGINE] = sd_of_text(ENGINE_SDDL);
    model->container_sd[MODEL_NET_EVENT] = sd_of_text(NET_EVENT_SDDL);
    return model->container_sd[MODEL_ENGINE] && model->container_sd[MODEL_NET_EVENT] &&
           model_make_layers(model) && model_add_builtins(model);
}

struct model *model_new(const struct model_hooks *hooks)
{
    struct model *model = calloc(1, sizeof(*model));

    if (!model)
        return NULL;
    model->view.model = model;
    model->security_version = 1;
    model->options[FWPM_ENGINE_COLLECT_NET_EVENTS] = 1;
    if (getrandom(&model->seed, sizeof(model->seed), 0) != sizeof(model->seed) || !fill(model)) {
        model_free(model);
        return NULL;
    }
    if (hooks)
        model->hooks = *hooks;
    return model;
}

static void free_codes(struct model *model)
{
    for (size_t chain = 0; model->codes.chains && chain <= model->codes.mask; chain++) {
        for (struct index_node *node = model->codes.chains[chain], *next; node; node = next) {
            next = node->next;
            free(INDEX_ITEM(node, struct callout_code, by_key));
        }
    }
    index_free(&model->codes);
}

void model_free(struct model *model)
{
    if (!model)
        return;
    model->hooks = (struct model_hooks){0};
    while (model->sessions)
        model_session_close(model->sessions);
    store_free(model);
    free_codes(model);
    model_free_layers(model);
    for (size_t i = 0; i < MODEL_KINDS; i++)
        free(model->container_sd[i]);
    for (size_t i = 0; i < MODEL_LAYER_IDS; i++)
        free(model->layer_sd[i]);
    free(model->journal.objects);
    free(model);
}

uint32_t model_reapply(struct model *model, struct model_error *error)
{
    memset(model->view.changed, 0xff, sizeof(model->view.changed));
    if (!model->hooks.apply)
        return ERROR_SUCCESS;
    return model->hooks.apply(model->hooks.ctx, model_view_now(model), error);
}

size_t model_count(const struct model *model, enum model_kind kind)
{
    return (unsigned)kind < MODEL_OBJECT_KINDS ? model->committed[kind] : 0;
}
