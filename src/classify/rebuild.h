/*
 * A new image from an old one, in the background: what changes have added becomes part of the base,
 * what they have deleted goes. The model is not asked, the records say all there is to know.
 *
 * Begin and end are for the thread that changes the image; run is for any other, and nothing that
 * it reads may go meanwhile: the old image is freed only when run has returned. Changes may go on
 * between begin and end, which carries them over.
 */
#ifndef OPENWFP_CLASSIFY_REBUILD_H
#define OPENWFP_CLASSIFY_REBUILD_H

#include "compile.h"

struct classify_rebuild;

/* No change may be pending. NULL: out of memory. */
struct classify_rebuild *classify_rebuild_begin(struct classify_image *image);

void classify_rebuild_run(struct classify_rebuild *rebuild);

/*
 * The new image, which the caller puts in force in place of the old. CLASSIFY_NO_ROOM: too much has
 * changed meanwhile, begin again.
 */
uint32_t classify_rebuild_end(struct classify_rebuild *rebuild, struct classify_image *old,
                              struct classify_image **image, struct model_error *error);

void classify_rebuild_free(struct classify_rebuild *rebuild);

#endif
