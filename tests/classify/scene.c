#include "scene.h"

#include <string.h>

#include "model/sd.h"
#include "scripted.h"

void scene_begin(struct scene *scene, const GUID *layer)
{
    *scene = (struct scene){.layer = layer_by_key(layer)};
    assert_non_null(scene->layer);
}

uint64_t scene_filter(struct scene *scene, uint16_t sublayer, uint64_t weight,
                      FWP_ACTION_TYPE action)
{
    size_t n = scene->count++;
    assert_true(n < SCENE_FILTERS);
    FWPM_FILTER0 *filter = &scene->filters[n];
    *filter = (FWPM_FILTER0){.layerKey = scene->layer->key,
                             .filterCondition = scene->conditions[n],
                             .filterId = n + 1,
                             .action.type = action};
    filter->subLayerKey.Data1 = sublayer;
    scene->view[n] = (struct model_view_filter){.filter = filter,
                                                .weight = weight,
                                                .sublayer = filter->subLayerKey,
                                                .sublayer_weight = sublayer};
    scene->reference[n] = (struct reference_filter){.filter = filter,
                                                    .weight = weight,
                                                    .sublayer = filter->subLayerKey,
                                                    .sublayer_weight = sublayer,
                                                    .callout_registered = true};
    return n + 1;
}

void scene_flags(struct scene *scene, uint64_t id, uint32_t flags)
{
    scene->filters[id - 1].flags = flags;
}

void scene_script(struct scene *scene, uint64_t id, uint64_t script)
{
    scene->filters[id - 1].rawContext = script;
    scene->view[id - 1].context = script;
}

void scene_unregister(struct scene *scene, uint64_t id)
{
    scene->view[id - 1].callout_slot = MODEL_CALLOUT_UNREGISTERED;
    scene->reference[id - 1].callout_registered = false;
}

void scene_condition(struct scene *scene, uint64_t id, const GUID *field, FWP_MATCH_TYPE match,
                     FWP_CONDITION_VALUE0 value)
{
    FWPM_FILTER0 *filter = &scene->filters[id - 1];
    assert_true(filter->numFilterConditions < SCENE_CONDITIONS);
    filter->filterCondition[filter->numFilterConditions++] =
        (FWPM_FILTER_CONDITION0){.fieldKey = *field, .matchType = match, .conditionValue = value};
}

static void add_field(struct scene *scene, const GUID *field, FWP_VALUE0 value)
{
    scene->fields[scene->field_count++] = (struct reference_field){*field, value};
}

void scene_set(struct scene *scene, const GUID *field, FWP_VALUE0 value)
{
    const struct layer_field *known = layer_find_field(scene->layer, field);
    assert_non_null(known);
    add_field(scene, field, value);
    key_from_value(&scene->key, known->slot, &value);
}

void scene_set_program(struct scene *scene, FWP_BYTE_BLOB *path, uint32_t number)
{
    add_field(scene, &FWPM_CONDITION_ALE_APP_ID,
              (FWP_VALUE0){.type = FWP_BYTE_BLOB_TYPE, .byteBlob = path});
    key_from_value(&scene->key, CLASSIFY_APP, &(FWP_VALUE0){.type = FWP_UINT32, .uint32 = number});
}

static void add_sid(struct scene *scene, struct sid sid)
{
    uint32_t n = scene->user.token.sidCount++;
    memcpy(scene->user.sid[n], sid.bytes, sid.size);
    scene->user.sids[n].Sid = scene->user.sid[n];
}

void scene_set_user(struct scene *scene, uint32_t uid, const uint32_t *groups, size_t count)
{
    assert_true(count <= RANDOM_GROUPS);
    scene->user.token = (FWP_TOKEN_INFORMATION){.sids = scene->user.sids};
    add_sid(scene, sid_of_uid(uid));
    for (size_t i = 0; i < count; i++) {
        add_sid(scene, sid_of_gid(groups[i]));
        scene->groups[scene->group_count++] = groups[i];
    }
    add_field(
        scene, &FWPM_CONDITION_ALE_USER_ID,
        (FWP_VALUE0){.type = FWP_TOKEN_INFORMATION_TYPE, .tokenInformation = &scene->user.token});
    key_from_value(&scene->key, CLASSIFY_UID, &(FWP_VALUE0){.type = FWP_UINT32, .uint32 = uid});
}

/* As the shim does it: the bits of the groups that the user is in. */
static void set_user_bits(const struct scene *scene, const struct classify_image *image,
                          struct classify_key *key)
{
    key->present |= 1ull << CLASSIFY_USER_BITS;
    for (size_t i = 0; i < scene->group_count; i++) {
        for (uint32_t g = 0; g < image->group_count; g++) {
            if (image->groups[g].gid == scene->groups[i])
                key->value[CLASSIFY_USER_BITS] |= image->groups[g].bits;
        }
    }
}

static void answer_lookup(void *ctx, const struct classify_filter *filter,
                          const struct classify_walk *walk, struct classify_answer *answer)
{
    assert_int_equal(answer->action, FWP_ACTION_NONE); /* 6.10 */
    assert_int_equal(answer->rights, walk->result.rights);
    scripted_lookup(filter, answer);
}

static void remember(void *ctx, const struct classify_filter *filter, enum classify_outcome outcome,
                     const struct classify_result *after)
{
    struct scene *scene = ctx;
    scene->outcome[filter->id] = outcome;
    scene->seen[filter->id] = true;
}

struct classify_result scene_decide(struct scene *scene)
{
    const struct classify_trace trace = {scene, remember, answer_lookup};
    struct classify_walk walk = {.key = scene->key, .layer = scene->layer->id};
    struct reference_query query = {.layer = &scene->layer->key,
                                    .fields = scene->fields,
                                    .field_count = scene->field_count,
                                    .callout = scripted_reference};
    struct reference_result reference;
    struct classify_image *image;
    struct model_error error = {0};

    if (classify_compile(scene->view, scene->count, &random_intern, &image, &error) != 0)
        fail_msg("%s", error.text);
    set_user_bits(scene, image, &walk.key);
    memset(scene->seen, 0, sizeof scene->seen);
    classify_evaluate(image, &walk, &trace);
    classify_image_free(image);
    assert_true(reference_classify(scene->reference, scene->count, &query, &reference));
    assert_int_equal(walk.result.action, reference.action);
    assert_int_equal(walk.result.filter_id, reference.filter_id);
    assert_int_equal(walk.result.rights != 0, reference.right);
    assert_int_equal(!!(walk.result.flags & CLASSIFY_RESULT_VETO), reference.veto);
    assert_int_equal(!!(walk.result.flags & CLASSIFY_RESULT_SILENT), reference.absorb);
    return walk.result;
}

bool scene_matches(struct scene *scene)
{
    return scene_decide(scene).filter_id == 1;
}

uint32_t scene_refusal(struct scene *scene, struct model_error *error)
{
    struct classify_image *image = NULL;
    uint32_t code = classify_compile(scene->view, scene->count, &random_intern, &image, error);
    classify_image_free(image);
    return code;
}
