#include "src/wfp/engine.h"

#include <openwfp.h>

#include "src/model/layers.h"
#include "src/wfp/policy/conditions.h"

bool engine_is_gone(DWORD code)
{
    return code == RPC_S_SERVER_UNAVAILABLE || code == RPC_S_CALL_FAILED ||
           code == EPT_S_CANT_PERFORM_OP || code == EPT_S_NOT_REGISTERED ||
           code == FWP_E_SESSION_ABORTED;
}

int engine_fail(const struct cli *cli, DWORD code, const char *what)
{
    const char *name = fwp_error_name(code);
    const char *text = OpenWfpLastErrorText();
    if (text[0] == '\0')
        text = fwp_error_text(code);
    if (engine_is_gone(code)) {
        cli_fail(cli,
                 "%s: bfe is not running (start it: systemctl start bfe); \"wfp doctor\" says more",
                 what);
        return EXIT_NO_BFE;
    }
    cli_fail(cli, "%s: %s (%s)", what, text == NULL ? "no more is known" : text,
             name == NULL ? "unknown error" : name);
    return code == ERROR_ACCESS_DENIED ? EXIT_DENIED : EXIT_FAILED;
}

int engine_open(const struct cli *cli, UINT32 session_flags, HANDLE *engine)
{
    FWPM_SESSION0 session = {.flags = session_flags};
    session.displayData.name = arena_wide(cli->arena, "wfp");
    session.displayData.description = arena_wide(cli->arena, cli->command->name);
    DWORD code = FwpmEngineOpen0(NULL, RPC_C_AUTHN_DEFAULT, NULL, &session, engine);
    return code == ERROR_SUCCESS ? EXIT_DONE : engine_fail(cli, code, "can't reach bfe");
}
