/*
 * Small changes to a compiled policy in place, while lookups go on.
 *
 * What is added is written where nobody reads yet: the image's reserve gets the overlay anew, all
 * filters added since the image was made, with trees of their own, and a version that names them.
 * What is deleted gets the number of that version. classify_change_publish() then stores one word,
 * and all of it is in force: a lookup sees the policy before the change or the policy after it.
 *
 * The reserve is used in two halves. When one has been left, a thread waits for lookups that may
 * still read there; before it is used again, that thread is waited for, which mostly has ended.
 */
#ifndef OPENWFP_CLASSIFY_CHANGE_H
#define OPENWFP_CLASSIFY_CHANGE_H

#include <stdbool.h>

#include "compile.h"

/* The image can't take the change: compile a whole new one. */
#define CLASSIFY_NO_ROOM 0xfffffffeu

struct classify_change {
    const struct model_view_filter *added, *deleted;
    size_t added_count, deleted_count;
};

/*
 * Writes what nobody sees yet; from then on classify_image_version() and classify_image_layer()
 * tell of the coming version. ERROR_SUCCESS: publish or cancel it before anything else.
 * CLASSIFY_NO_ROOM, or an error that says which filter and why: nothing has changed.
 */
uint32_t classify_change_prepare(struct classify_image *image, const struct classify_change *change,
                                 const struct classify_intern *intern, struct model_error *error);

void classify_change_publish(struct classify_image *image);
void classify_change_cancel(struct classify_image *image);

/* Changes have piled up so far that a new image would be better (rebuild.h). */
bool classify_wants_rebuild(const struct classify_image *image);

#endif
