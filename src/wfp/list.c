#include "src/wfp/list.h"

#include "src/model/guid.h"

/* The kinds differ only in their names: create, page after page, destroy. */
#define PAGES(Kind, Type)                                                                          \
    static DWORD pages_of_##Kind(HANDLE engine, HANDLE pages,                                      \
                                 bool (*each)(void *ctx, const Type *), void *ctx)                 \
    {                                                                                              \
        UINT32 count;                                                                              \
        bool more = true;                                                                          \
        do {                                                                                       \
            Type **entries = NULL;                                                                 \
            DWORD code = Fwpm##Kind##Enum0(engine, pages, LIST_PAGE, &entries, &count);            \
            if (code != ERROR_SUCCESS)                                                             \
                return code;                                                                       \
            for (UINT32 i = 0; i < count && more; i++)                                             \
                more = each(ctx, entries[i]);                                                      \
            FwpmFreeMemory0((void **)&entries);                                                    \
        } while (more && count == LIST_PAGE);                                                      \
        return ERROR_SUCCESS;                                                                      \
    }

#define LIST(function, Kind, Type)                                                                 \
    PAGES(Kind, Type)                                                                              \
    DWORD function(HANDLE engine, bool (*each)(void *ctx, const Type *), void *ctx)                \
    {                                                                                              \
        HANDLE pages;                                                                              \
        DWORD code = Fwpm##Kind##CreateEnumHandle0(engine, NULL, &pages);                          \
        if (code != ERROR_SUCCESS)                                                                 \
            return code;                                                                           \
        code = pages_of_##Kind(engine, pages, each, ctx);                                          \
        Fwpm##Kind##DestroyEnumHandle0(engine, pages);                                             \
        return code;                                                                               \
    }

LIST(list_providers, Provider, FWPM_PROVIDER0)
LIST(list_sublayers, SubLayer, FWPM_SUBLAYER0)
LIST(list_callouts, Callout, FWPM_CALLOUT0)
LIST(list_layers, Layer, FWPM_LAYER0)
LIST(list_sessions, Session, FWPM_SESSION0)
PAGES(Filter, FWPM_FILTER0)

/* A template names one layer (or none: every layer), so the flags alone select. */
DWORD list_filters(HANDLE engine, const GUID *provider,
                   bool (*each)(void *ctx, const FWPM_FILTER0 *), void *ctx)
{
    HANDLE pages;
    GUID key = provider == NULL ? (GUID){0} : *provider;
    FWPM_FILTER_ENUM_TEMPLATE0 wanted = {
        .providerKey = provider == NULL ? NULL : &key,
        .enumType = FWP_FILTER_ENUM_OVERLAPPING,
        .flags = FWP_FILTER_ENUM_FLAG_INCLUDE_BOOTTIME | FWP_FILTER_ENUM_FLAG_INCLUDE_DISABLED,
        .actionMask = UINT32_MAX,
    };
    DWORD code = FwpmFilterCreateEnumHandle0(engine, &wanted, &pages);
    if (code != ERROR_SUCCESS)
        return code;
    code = pages_of_Filter(engine, pages, each, ctx);
    FwpmFilterDestroyEnumHandle0(engine, pages);
    return code;
}
