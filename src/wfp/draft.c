#include "src/wfp/draft.h"

#include <string.h>

#include "src/classify/evaluate.h"
#include "src/model/guid.h"
#include "src/model/layers.h"
#include "src/wfp/arena.h"
#include "src/wfp/describe.h"

struct app {
    const char *path;
    uint32_t number;
    struct app *next;
};

struct draft {
    struct cli *cli;
    struct policy_objects *objects;
    OPENWFP_EXPLANATION *explanation;
    struct app *apps;
};

/* ---- the key ---- */

static uint32_t app_number(void *ctx, const char *path)
{
    struct draft *draft = ctx;
    struct app *app = draft->apps;
    while (app != NULL && strcmp(app->path, path) != 0)
        app = app->next;
    if (app != NULL)
        return app->number;
    app = arena_alloc(draft->cli->arena, sizeof(*app));
    app->path = arena_strdup(draft->cli->arena, path);
    app->number = draft->apps == NULL ? 1 : draft->apps->number + 1;
    app->next = draft->apps;
    draft->apps = app;
    return app->number;
}

static uint64_t half(const FWP_BYTE_ARRAY16 *array, unsigned first)
{
    uint64_t number = 0;
    for (unsigned i = first; i < first + 8; i++)
        number = number << 8 | array->byteArray16[i];
    return number;
}

static void set_slot(struct classify_key *key, int slot, uint64_t value)
{
    key->present |= 1ull << slot;
    key->value[slot] = value;
}

/* The numbers that stand for a value in the kernel (src/classify/abi.h). */
static void set_field(struct draft *draft, struct classify_key *key, int slot,
                      const FWP_VALUE0 *value)
{
    switch (value->type) {
    case FWP_UINT8:
        set_slot(key, slot, value->uint8);
        break;
    case FWP_UINT16:
        set_slot(key, slot, value->uint16);
        break;
    case FWP_BYTE_BLOB_TYPE:
        set_slot(key, slot, app_number(draft, describe_app(draft->cli->arena, value->byteBlob)));
        break;
    case FWP_BYTE_ARRAY16_TYPE:
        set_slot(key, slot, half(value->byteArray16, 0));
        set_slot(key, slot + 1, half(value->byteArray16, 8));
        break;
    default:
        set_slot(key, slot, value->uint32); /* an IPv4 address, too: the kernel has it there */
    }
}

static uint64_t group_bits(const struct classify_image *image,
                           const OPENWFP_EXPLAIN_REQUEST *request)
{
    uint64_t bits = 0;
    for (uint32_t i = 0; i < image->group_count; i++) {
        bool member = image->groups[i].gid == request->gid;
        for (UINT32 g = 0; g < request->numGroups; g++)
            member |= image->groups[i].gid == request->groups[g];
        bits |= member ? image->groups[i].bits : 0;
    }
    return bits;
}

static void set_key(struct draft *draft, const struct classify_image *image,
                    const OPENWFP_EXPLAIN_REQUEST *request, struct classify_key *key)
{
    const struct layer_info *layer = layer_by_id(request->layerId);
    for (UINT32 i = 0; i < request->numFields; i++) {
        const struct layer_field *field = layer_find_field(layer, &request->fields[i].fieldKey);
        if (field != NULL && field->slot >= 0)
            set_field(draft, key, field->slot, &request->fields[i].value);
    }
    set_slot(key, CLASSIFY_UID, request->uid);
    set_slot(key, CLASSIFY_USER_BITS, group_bits(image, request));
}

/* ---- the walk ---- */

static const FWPM_SUBLAYER0 *sublayer_of(const struct policy_objects *objects,
                                         const FWPM_FILTER0 *filter)
{
    size_t i = 0;
    while (!guid_equal(&objects->sublayers[i].subLayerKey, &filter->subLayerKey))
        i++;
    return &objects->sublayers[i];
}

static void on_match(void *ctx, const struct classify_filter *matched,
                     enum classify_outcome outcome, const struct classify_result *after)
{
    static const OPENWFP_OUTCOME outcomes[] = {[CLASSIFY_DECIDED] = OPENWFP_OUTCOME_STOOD,
                                               [CLASSIFY_OVERRULED] = OPENWFP_OUTCOME_OUTVOTED,
                                               [CLASSIFY_CONTINUED] = OPENWFP_OUTCOME_CONTINUED,
                                               [CLASSIFY_SKIPPED] = OPENWFP_OUTCOME_NOT_REACHED};
    struct draft *draft = ctx;
    const FWPM_FILTER0 *filter = &draft->objects->filters[matched->id - 1];
    const FWPM_SUBLAYER0 *sublayer = sublayer_of(draft->objects, filter);
    OPENWFP_EXPLAIN_STEP *step = &draft->explanation->steps[draft->explanation->numSteps++];
    step->filterId = filter->filterId;
    step->filterName = filter->displayData.name;
    step->subLayerKey = filter->subLayerKey;
    step->subLayerName = sublayer->displayData.name;
    step->subLayerWeight = sublayer->weight;
    step->weight = *filter->weight.uint64;
    step->action = filter->action.type;
    step->outcome = outcome == CLASSIFY_DECIDED && describe_is_hold(filter) ? OPENWFP_OUTCOME_HELD
                                                                            : outcomes[outcome];
    step->outvotedBy = outcome == CLASSIFY_OVERRULED ? after->filter_id : 0;
    step->hard = after->rights == 0;
}

/* Only hold rules have code: without an answer their default stands. */
static void on_callout(void *ctx, const struct classify_filter *filter,
                       const struct classify_walk *walk, struct classify_answer *answer)
{
    answer->action = OPENWFP_HOLD_CONTEXT_ACTION(classify_callout_of(filter)->context);
    answer->rights = answer->action == FWP_ACTION_PERMIT ? FWPS_RIGHT_ACTION_WRITE : 0;
}

/* A lighter sublayer may have taken over from one that had decided. A filter that was not reached
   was passed over for the one that decided its sublayer. */
static void settle(OPENWFP_EXPLANATION *explanation)
{
    UINT64 decided = 0;
    for (UINT32 i = 0; i < explanation->numSteps; i++) {
        OPENWFP_EXPLAIN_STEP *step = &explanation->steps[i];
        if (step->outcome == OPENWFP_OUTCOME_NOT_REACHED) {
            step->outvotedBy = decided;
            continue;
        }
        decided = step->filterId;
        if ((step->outcome == OPENWFP_OUTCOME_STOOD || step->outcome == OPENWFP_OUTCOME_HELD) &&
            step->filterId != explanation->filterId) {
            step->outcome = OPENWFP_OUTCOME_OUTVOTED;
            step->outvotedBy = explanation->filterId;
        }
    }
}

static struct model_view_filter *filters_in_force(struct draft *draft, size_t *count)
{
    struct policy_objects *objects = draft->objects;
    struct model_view_filter *list =
        arena_alloc(draft->cli->arena, (objects->filter_count + 1) * sizeof(*list));
    *count = 0;
    for (size_t i = 0; i < objects->filter_count; i++) {
        FWPM_FILTER0 *filter = &objects->filters[i];
        filter->filterId = i + 1;
        if ((filter->flags & FWPM_FILTER_FLAG_BOOTTIME) != 0)
            continue;
        list[(*count)++] = (struct model_view_filter){
            .filter = filter,
            .weight = *filter->weight.uint64,
            .sublayer = filter->subLayerKey,
            .sublayer_weight = sublayer_of(objects, filter)->weight,
            .callout_slot =
                describe_is_hold(filter) ? MODEL_CALLOUT_USER : MODEL_CALLOUT_UNREGISTERED,
            .context = filter->rawContext};
    }
    return list;
}

static void walk(struct draft *draft, const struct classify_image *image,
                 const OPENWFP_EXPLAIN_REQUEST *request)
{
    struct classify_walk walk = {.layer = request->layerId};
    struct classify_trace trace = {.ctx = draft, .matched = on_match, .callout = on_callout};
    OPENWFP_EXPLANATION *explanation = draft->explanation;
    explanation->layerId = request->layerId;
    explanation->steps = arena_alloc(draft->cli->arena, (draft->objects->filter_count + 1) *
                                                            sizeof(*explanation->steps));
    set_key(draft, image, request, &walk.key);
    classify_evaluate(image, &walk, &trace);
    explanation->filterId = walk.result.filter_id;
    explanation->action =
        walk.result.action == FWP_ACTION_BLOCK ? FWP_ACTION_BLOCK : FWP_ACTION_PERMIT;
    settle(explanation);
}

int draft_explain(struct cli *cli, struct policy_objects *objects, const struct question *question,
                  OPENWFP_EXPLANATION *explanation)
{
    struct draft draft = {.cli = cli, .objects = objects, .explanation = explanation};
    struct classify_intern intern = {.ctx = &draft, .app = app_number};
    struct classify_image *image;
    struct model_error error;
    size_t count;
    *explanation = (OPENWFP_EXPLANATION){.numSteps = 0};
    struct model_view_filter *filters = filters_in_force(&draft, &count);
    if (classify_compile(filters, count, &intern, &image, &error) != ERROR_SUCCESS)
        return cli_fail(cli, "the policy can't be enforced: %s", error.text);
    walk(&draft, image, &question->request);
    classify_image_free(image);
    return EXIT_DONE;
}
