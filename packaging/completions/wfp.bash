# bash completion for wfp(1)

_wfp_words() {
    COMPREPLY=($(compgen -W "$1" -- "$cur"))
}

_wfp_files() {
    compopt -o filenames 2>/dev/null
    COMPREPLY=($(compgen -f -- "$cur"))
}

_wfp() {
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
    local command=${COMP_WORDS[1]} index=$COMP_CWORD
    local layers="connect listen accept bind established closure release"
    COMPREPLY=()

    if [ "$index" = 1 ]; then
        _wfp_words "apply check show monitor explain ask add delete callout driver doctor version help"
        return
    fi
    case $prev in
    --layer)
        _wfp_words "$layers"
        return
        ;;
    --user)
        COMPREPLY=($(compgen -u -- "$cur"))
        return
        ;;
    --app)
        _wfp_files
        return
        ;;
    --policy)
        if [ "$command" = delete ]; then
            _wfp_words "$(wfp show providers 2>/dev/null | awk 'NR > 1 && !/^FWPM_/ { print $1 }')"
        else
            _wfp_files
        fi
        return
        ;;
    --flags)
        _wfp_words "loopback reauthorize wildcard raw implicit promiscuous"
        return
        ;;
    --count | --event | --local | --sublayer)
        return
        ;;
    esac

    case $command in
    apply)
        case $cur in
        -*) _wfp_words "--persistent --dynamic --json" ;;
        *) _wfp_files ;;
        esac
        ;;
    check)
        case $cur in
        -*) _wfp_words "--explain --json" ;;
        *) _wfp_files ;;
        esac
        ;;
    show)
        if [ "$index" = 2 ]; then
            _wfp_words "filters sublayers callouts providers layers sessions flows events classifier hold"
        else
            _wfp_words "--layer --all --json"
        fi
        ;;
    monitor)
        _wfp_words "--all --drops --flows --app --layer --count --json"
        ;;
    explain)
        case $cur in
        -*) _wfp_words "--event --policy --user --local --flags --json" ;;
        *)
            case $index in
            2) _wfp_words "$layers" ;;
            3) _wfp_words "tcp udp icmp icmp6" ;;
            4) _wfp_files ;;
            esac
            ;;
        esac
        ;;
    add)
        case $prev in
        add) _wfp_words "boot hard permit block hold callout --first --sublayer --persistent" ;;
        permit | block | hold) _wfp_words "$layers" ;;
        app) _wfp_files ;;
        user) COMPREPLY=($(compgen -u -- "$cur")) ;;
        group) COMPREPLY=($(compgen -g -- "$cur")) ;;
        interface) _wfp_words "$(ls /sys/class/net 2>/dev/null)" ;;
        flags) _wfp_words "loopback reauthorize wildcard raw implicit promiscuous not" ;;
        *) _wfp_words "tcp udp icmp icmp6 any proto app user group from to on remote-address port
            local-port remote-port icmp-type icmp-code interface flags ipv4 ipv6 weight name
            timeout default
            --first --sublayer --persistent --json" ;;
        esac
        ;;
    delete)
        _wfp_words "--policy --json"
        ;;
    callout)
        case $index in
        2) _wfp_words "load unload list" ;;
        4) _wfp_files ;;
        *) [ "$index" -gt 4 ] && _wfp_words "$layers --persistent" ;;
        esac
        ;;
    driver)
        case $index in
        2) _wfp_words "load unload list" ;;
        4) _wfp_files ;;
        esac
        ;;
    help)
        _wfp_words "apply check show monitor explain ask add delete callout driver doctor version"
        ;;
    ask | doctor | version)
        _wfp_words "--json"
        ;;
    esac
}

complete -F _wfp wfp
