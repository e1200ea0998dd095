/* The programs of one image, loaded as they are needed. */
#include "shims/bpf/internal.h"

#include <errno.h>
#include <stdlib.h>

int code_build(struct shim *shim, struct shim_error *error)
{
    return object_build(shim, -1, NULL, 0, &shim->code.image, &shim->code.image_size, error);
}

/* These have a constant of their namespace in them: each has its own object. */
static bool code_is_of_namespace(int program)
{
    return program == PROGRAM_LOOKUP || program == PROGRAM_HELD_IN || program == PROGRAM_DENIED_IN;
}

/* Loads those of the programs that are not loaded yet, as one object; at first also the maps. */
static int provide(struct shim *shim, uint64_t programs, struct shim_error *error)
{
    struct shim_code *code = &shim->code;
    uint64_t missing = 0;

    for (int i = 0; i < PROGRAM_COUNT; i++)
        if (!code_is_of_namespace(i) && (programs & (1ull << i)) && !code->programs[i])
            missing |= 1ull << i;
    if (!missing && code->object_count)
        return 0;
    struct bpf_object *object = object_load(shim, missing, 0, error);
    if (!object)
        return error && error->code ? error->code : -EINVAL;
    code->objects[code->object_count++] = object;
    for (int i = 0; i < PROGRAM_COUNT; i++)
        if (missing & (1ull << i))
            code->programs[i] = bpf_object__find_program_by_name(object, shim_program_names[i]);
    return 0;
}

/* LSM's programs have no coarse clock, so what they are loaded with would have none either. */
int code_provide(struct shim *shim, uint64_t programs, struct shim_error *error)
{
    int result = provide(shim, programs & ~LSM_PROGRAMS, error);

    if (!result && (programs & LSM_PROGRAMS))
        result = provide(shim, programs & LSM_PROGRAMS, error);
    return result;
}

void code_free(struct shim_code *code)
{
    for (size_t i = 0; i < code->object_count; i++)
        bpf_object__close(code->objects[i]);
    free(code->image);
}
