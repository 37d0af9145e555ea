/// The style sheet of the results page.
enum PageStyle {
    static let sheet = """
        :root { color-scheme: light dark; --text: #1c2024; --faint: #5d6670; --edge: #dfe3e8;
          --surface: #ffffff; --page: #f4f6f8; --good: #16794a; --bad: #c4122f; }
        @media (prefers-color-scheme: dark) {
          :root { --text: #e8ebee; --faint: #9aa4ae; --edge: #343b43; --surface: #15191e;
            --page: #0d1013; --good: #56d68b; --bad: #ff7b7b; } }
        * { box-sizing: border-box; }
        body { margin: 0; background: var(--page); color: var(--text);
          font: 15px/1.5 system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; }
        main { max-width: 980px; margin: 0 auto; padding: 40px 20px 60px; }
        header { margin-bottom: 28px; }
        h1 { font-size: 25px; line-height: 1.3; margin: 2px 0 8px; max-width: 40em; }
        h2 { font-size: 17px; margin: 0 0 10px; }
        p { margin: 0 0 12px; }
        .faint { color: var(--faint); }
        .fake { background: var(--bad); color: var(--surface); font-weight: 700;
          padding: 8px 14px; border-radius: 8px; }
        .kicker { color: var(--faint); font-size: 13px; font-weight: 600; margin: 0; }
        section { margin: 0 0 30px; }
        .cards { display: grid; gap: 12px;
          grid-template-columns: repeat(auto-fit, minmax(205px, 1fr)); }
        .card { background: var(--surface); border: 1px solid var(--edge); border-radius: 8px;
          border-top: 4px solid var(--faint); padding: 12px 14px; }
        .card p { margin: 0; }
        .card .value { min-height: 3em; }
        .card .figures { display: flex; flex-wrap: wrap; gap: 0 16px; font-weight: 600;
          font-variant-numeric: tabular-nums; white-space: nowrap; }
        .card.backdoor-learnt { border-top-color: var(--bad); }
        .card.kept-out { border-top-color: var(--good); }
        .card .verdict { color: var(--faint); }
        .card.backdoor-learnt .verdict { color: var(--bad); }
        .card.kept-out .verdict { color: var(--good); }
        figure { background: var(--surface); border: 1px solid var(--edge); border-radius: 8px;
          margin: 0 0 14px; padding: 16px 18px; overflow-x: auto; }
        figcaption { font-weight: 600; margin-bottom: 8px; }
        figure svg { display: block; max-width: 100%; height: auto; }
        .maps { display: flex; flex-wrap: wrap; gap: 14px; }
        .maps figure { margin: 0; }
        .maps + .scroll, .faint + .scroll { margin-top: 14px; }
        .legend { overflow-x: auto; margin: 0 0 10px; }
        .legend svg { display: block; max-width: 100%; height: auto; }
        .after { margin: 16px 0 6px; }
        ul { margin: 0; padding-left: 22px; }
        .scroll { overflow-x: auto; background: var(--surface); border: 1px solid var(--edge);
          border-radius: 8px; }
        table { border-collapse: collapse; width: 100%; }
        th, td { text-align: left; padding: 6px 14px; border-top: 1px solid var(--edge);
          vertical-align: baseline; }
        thead th { border-top: 0; font-size: 13px; color: var(--faint); white-space: nowrap; }
        .number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
        .badge { border: 1px solid currentColor; border-radius: 10px; color: var(--faint);
          font-size: 12px; padding: 0 8px; margin-right: 8px; white-space: nowrap; }
        .badge.backdoor-learnt { color: var(--bad); }
        .badge.kept-out { color: var(--good); }
        .error { color: var(--bad); font-size: 13px; overflow-wrap: anywhere; }
        dl { display: grid; gap: 4px 28px; margin: 0;
          grid-template-columns: repeat(auto-fit, minmax(380px, 1fr)); }
        dl div { display: flex; gap: 10px; border-bottom: 1px solid var(--edge); padding: 3px 0; }
        dt { color: var(--faint); min-width: 9.5em; }
        dd { margin: 0; overflow-wrap: anywhere; }

        """
}
