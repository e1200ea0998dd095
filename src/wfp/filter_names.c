#include "src/wfp/filter_names.h"

#include "src/model/utf16.h"

const char *filter_names_get(struct filter_names *names, UINT64 id)
{
    FWPM_FILTER0 *filter = NULL;
    if (id == 0)
        return NULL;
    unsigned slot = (unsigned)(id % FILTER_NAMES);
    if (names->slots[slot].id == id)
        return names->slots[slot].name;
    names->slots[slot].id = id;
    names->slots[slot].name[0] = '\0';
    if (FwpmFilterGetById0(names->engine, id, &filter) == ERROR_SUCCESS) {
        utf16_print(filter->displayData.name, names->slots[slot].name,
                    sizeof(names->slots[slot].name));
        FwpmFreeMemory0((void **)&filter);
    }
    return names->slots[slot].name;
}
