/*
 * Programs' names by their numbers: the map that the kernel writes them into too. It is mapped
 * piece by piece as names are asked for, since all that is mapped of it counts as bfe's memory.
 */
#include "shims/bpf/internal.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#define PIECE       256u /* names: whole pages, whatever their size */
#define PIECE_BYTES (PIECE * sizeof(struct ale_path))

_Static_assert(ALE_APPS % PIECE == 0 && PIECE_BYTES % 65536 == 0, "pieces are whole");

int app_names_open(struct shim *shim)
{
    shim->names = calloc(ALE_APPS / PIECE, sizeof(struct ale_path *));
    return shim->names ? 0 : -ENOMEM;
}

/* Another thread may have mapped it meanwhile. */
static struct ale_path *map_piece(int map, uint32_t number, struct ale_path **piece)
{
    struct ale_path *mapped = mmap(NULL, PIECE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, map,
                                   (off_t)(number * PIECE_BYTES));
    struct ale_path *there = NULL;

    if (mapped == MAP_FAILED)
        return NULL;
    if (__atomic_compare_exchange_n(piece, &there, mapped, false, __ATOMIC_ACQ_REL,
                                    __ATOMIC_ACQUIRE))
        return mapped;
    munmap(mapped, PIECE_BYTES);
    return there;
}

struct ale_path *app_name(const struct shim *shim, uint32_t number)
{
    struct ale_path **piece, *names;

    if (number >= ALE_APPS)
        return NULL;
    piece = &shim->names[number / PIECE];
    names = __atomic_load_n(piece, __ATOMIC_ACQUIRE);
    if (!names)
        names = map_piece(shim->maps[MAP_APP_NAMES], number / PIECE, piece);
    return names ? &names[number % PIECE] : NULL;
}

void app_names_close(struct shim *shim)
{
    for (uint32_t i = 0; shim->names && i < ALE_APPS / PIECE; i++)
        if (shim->names[i])
            munmap(shim->names[i], PIECE_BYTES);
    free(shim->names);
}
