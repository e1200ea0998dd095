/* The layers as FWPM_LAYER0 objects, made from the table once. */
#include "model_private.h"

#include <stdlib.h>

#include "utf16.h"

static bool make_layer(const struct layer_info *info, FWPM_LAYER0 *layer)
{
    *layer = (FWPM_LAYER0){
        .layerKey = info->key,
        .displayData = {.name = utf16_from_utf8(info->name),
                        .description = utf16_from_utf8(info->event)},
        .flags = info->flags,
        .numFields = info->field_count,
        .field = calloc(info->field_count + 1u, sizeof(*layer->field)),
        .defaultSubLayerKey = FWPM_SUBLAYER_UNIVERSAL,
        .layerId = info->id,
    };
    if (!layer->displayData.name || !layer->field)
        return false;
    for (uint16_t i = 0; i < info->field_count; i++)
        layer->field[i] = (FWPM_FIELD0){
            .fieldKey = (GUID *)info->fields[i].condition,
            .type = info->fields[i].field_type,
            .dataType = info->fields[i].data_type,
        };
    return true;
}

bool model_make_layers(struct model *model)
{
    model->layer_objects = calloc(layer_count(), sizeof(*model->layer_objects));
    if (!model->layer_objects)
        return false;
    for (size_t i = 0; i < layer_count(); i++) {
        const struct layer_info *info = layer_at(i);

        if (!guid_is_zero(&info->key) &&
            !make_layer(info, &model->layer_objects[model->layer_count++]))
            return false;
    }
    return true;
}

void model_free_layers(struct model *model)
{
    for (size_t i = 0; i < model->layer_count; i++) {
        free(model->layer_objects[i].displayData.name);
        free(model->layer_objects[i].displayData.description);
        free(model->layer_objects[i].field);
    }
    free(model->layer_objects);
}

const FWPM_LAYER0 *model_layer(const struct model *model, const struct layer_info *layer)
{
    for (size_t i = 0; layer && i < model->layer_count; i++) {
        if (model->layer_objects[i].layerId == layer->id)
            return &model->layer_objects[i];
    }
    return NULL;
}
