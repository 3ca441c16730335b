// The style sheet. Sizes are in rem, so that the reader's own text size and zoom rule the layout; below 44rem everything is
// one column (reflow at 320 CSS pixels, WCAG 2.2 success criterion 1.4.10) and charts change to a drawing made for it.

/// The style sheet of the report.
enum ReportStyle {
    static let css = """
        :root{color-scheme:light dark;\(ReportPalette.light.customProperties)}
        @media screen and (prefers-color-scheme:dark){:root{\(ReportPalette.dark.customProperties)}}
        \(page)
        \(content)
        \(tables)
        \(charts)
        \(media)
        """

    private static let page = """
        *{box-sizing:border-box}
        html{-webkit-text-size-adjust:100%;text-size-adjust:100%}
        body{margin:0;background:var(--paper);color:var(--ink);font:1rem/1.6 system-ui,-apple-system,"Segoe UI",Roboto,
        "Noto Sans","Liberation Sans",sans-serif;overflow-wrap:break-word}
        header,main,footer{max-width:68rem;margin:0 auto;padding:0 2rem}
        header{padding-top:4rem}
        footer{padding-top:2rem;padding-bottom:4rem;color:var(--muted);font-size:.875rem}
        h1,h2,h3{line-height:1.2;margin:0;font-weight:650;letter-spacing:-.011em}
        h1{font-size:2.75rem;letter-spacing:-.022em}
        h2{font-size:1.25rem}
        h3{font-size:1rem}
        p{margin:0 0 1rem;max-width:42rem}
        a{color:var(--accent);text-underline-offset:.15em}
        :focus-visible{outline:3px solid var(--accent);outline-offset:3px}
        section{border-top:1px solid var(--rule);padding:3rem 0}
        section>h2{margin-bottom:1.25rem}
        section>div{min-width:0}
        section>div>:last-child{margin-bottom:0}
        @media (min-width:62rem){section{display:grid;grid-template-columns:12rem minmax(0,1fr);column-gap:3rem}}
        """

    private static let content = """
        .kicker{margin:0 0 .75rem;color:var(--muted);font-size:.9375rem;letter-spacing:.01em}
        .lede{font-size:1.1875rem;line-height:1.55;margin:1rem 0 2.5rem}
        .finding{font-size:1.0625rem}
        .verdict{display:grid;grid-template-columns:3.25rem minmax(0,1fr);column-gap:1.25rem;align-items:center}
        .verdict .icon{width:3.25rem;height:3.25rem}
        .icon{display:block;width:1.25rem;height:1.25rem;fill:none;stroke:currentColor;stroke-width:2;
        stroke-linecap:round;stroke-linejoin:round}
        .held .icon{color:var(--good)}.broken .icon{color:var(--bad)}.untried .icon{color:var(--muted)}
        .held .state{color:var(--good)}.broken .state{color:var(--bad)}.untried .state{color:var(--muted)}
        .state{font-weight:600}
        ul.plain{list-style:none;margin:0;padding:0}
        ul.checks{display:grid;gap:.625rem;margin-bottom:3.5rem}
        .checks li{display:grid;grid-template-columns:1.25rem minmax(0,1fr);column-gap:.75rem;align-items:start}
        .checks .icon{margin-top:.175rem}
        .checks .state{margin-left:.35rem;white-space:nowrap}
        .broke{background:var(--bad-tint);border-left:.25rem solid var(--bad);padding:1.25rem 1.5rem;margin:0 0 2rem}
        .broke h2{font-size:1rem;margin-bottom:.5rem}
        .broke ul{margin:0;padding-left:1.25rem}
        .figures{display:grid;grid-template-columns:repeat(4,minmax(0,1fr));gap:1.5rem 2.5rem;margin:0 0 3.5rem}
        .figures div{border-top:2px solid var(--ink);padding-top:.75rem}
        .figures dt{color:var(--muted);font-size:.875rem}
        .figures dd{margin:0;font-size:.875rem;color:var(--muted)}
        .figures dd.value{font-size:1.75rem;line-height:1.25;font-weight:650;letter-spacing:-.02em;color:var(--ink);
        font-variant-numeric:tabular-nums}
        .facts{display:grid;grid-template-columns:minmax(8rem,max-content) minmax(0,1fr);gap:.5rem 2rem;margin:0 0 1.5rem}
        .facts dt{color:var(--muted)}
        .facts dd{margin:0;font-variant-numeric:tabular-nums}
        .note{background:var(--panel);padding:1rem 1.25rem;font-size:.9375rem;line-height:1.55;margin:1.5rem 0 0}
        .trials{display:grid;gap:2rem}
        .trials h3{margin-bottom:.375rem}
        .trials p{margin-bottom:.375rem}
        .trials .outcome{display:flex;gap:.5rem;align-items:flex-start}
        .trials .icon{flex:none;margin-top:.175rem}
        pre{background:var(--panel);margin:0 0 1rem;padding:1.125rem 1.25rem;white-space:pre-wrap;overflow-wrap:anywhere}
        code{font:.9375rem/1.6 ui-monospace,"SF Mono",Menlo,Consolas,"Noto Sans Mono","Liberation Mono",monospace}
        ol{margin:0 0 1rem;padding-left:1.25rem;max-width:42rem}
        ol li{margin-bottom:.5rem}
        """

    private static let tables = """
        .scroll{overflow-x:auto;margin:0 0 1rem}
        table{border-collapse:collapse;width:100%;font-size:.9375rem;line-height:1.4;font-variant-numeric:tabular-nums}
        caption{text-align:left;color:var(--muted);font-size:.875rem;padding-bottom:.625rem}
        th,td{padding:.5rem 0 .5rem 1rem;text-align:right;vertical-align:baseline;border-bottom:1px solid var(--rule)}
        th:first-child,td:first-child{padding-left:0}
        th.text,td.text{text-align:left}
        td.text{min-width:10rem}
        thead th{vertical-align:bottom;font-weight:600;font-size:.875rem;border-bottom:2px solid var(--ink)}
        tbody th{font-weight:400}
        tbody th.strong{font-weight:600}
        """

    private static let charts = """
        figure{margin:2rem 0 1.5rem}
        figcaption{font-size:.875rem;color:var(--muted);margin-top:.75rem;max-width:42rem}
        .chart{display:block;width:100%;height:auto;overflow:visible}
        .chart.narrow{display:none}
        .chart text{font:13px system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans","Liberation Sans",sans-serif;
        fill:var(--muted);font-variant-numeric:tabular-nums}
        .chart .strong{fill:var(--ink);font-weight:600}
        .chart .label-concord{fill:var(--accent);font-weight:600}
        .chart .label-central{fill:var(--central)}
        .chart .label-popularity{fill:var(--popularity)}
        .grid{stroke:var(--rule);stroke-width:1}
        .base{stroke:var(--axis);stroke-width:1}
        .line{fill:none;stroke-width:2.5;stroke-linejoin:round;stroke-linecap:round}
        .concord{stroke:var(--accent)}
        .central{stroke:var(--central);stroke-width:1.5;stroke-dasharray:8 4}
        .popularity{stroke:var(--popularity);stroke-width:1.5;stroke-dasharray:2 4}
        .dot{fill:var(--paper);stroke:var(--accent);stroke-width:2}
        .leader{stroke:var(--axis);stroke-width:1}
        .area{fill:var(--accent-tint)}
        .cap{stroke:var(--ink);stroke-width:1.5;stroke-dasharray:8 4}
        .bar{fill:var(--accent)}
        .bar-central{fill:var(--panel);stroke:var(--central);stroke-width:1.5;stroke-dasharray:8 4}
        .bar-popularity{fill:var(--panel);stroke:var(--popularity);stroke-width:1.5;stroke-dasharray:2 4}
        .bar-dropped{fill:var(--paper);stroke:var(--bad);stroke-width:1.5;stroke-dasharray:3 2}
        .legend{display:flex;flex-wrap:wrap;gap:.25rem 1.5rem;list-style:none;margin:0 0 1rem;padding:0;font-size:.875rem}
        .legend li{display:flex;align-items:center;gap:.5rem}
        .swatch{width:1rem;height:1rem;overflow:visible}
        """

    private static let media = """
        @media screen and (max-width:44rem){
        header,main,footer{padding-left:1.25rem;padding-right:1.25rem}
        header{padding-top:2.5rem}
        h1{font-size:2rem}
        section{padding:2.25rem 0}
        .verdict{grid-template-columns:2.25rem minmax(0,1fr);column-gap:.875rem}
        .verdict .icon{width:2.25rem;height:2.25rem}
        .lede{font-size:1.0625rem}
        .figures{grid-template-columns:repeat(auto-fit,minmax(8rem,1fr));gap:1.5rem}
        .figures dd.value{font-size:1.5rem}
        .facts{grid-template-columns:minmax(0,1fr);gap:0}
        .facts dd{margin-bottom:.75rem}
        .chart.wide{display:none}
        .chart.narrow{display:block;max-width:32rem}
        }
        @media (forced-colors:active){
        .chart text{fill:CanvasText}
        .grid,.base,.line,.cap,.leader,.dot,.bar-dropped,.bar-central,.bar-popularity{stroke:CanvasText}
        .dot,.bar-dropped,.bar-central,.bar-popularity,.area{fill:Canvas}
        .bar{fill:CanvasText}
        }
        @media print{
        @page{margin:18mm 16mm}
        html{font-size:9.5pt}
        header,main,footer{padding-left:0;padding-right:0;max-width:none}
        header{padding-top:0}
        section{padding:2rem 0}
        h2,h3,caption,.finding,.legend{break-after:avoid}
        .chart.wide{max-width:38rem}
        figure,tr,p,.figures,.facts,.trials li,pre,ol,#comparison table{break-inside:avoid}
        thead{display:table-header-group}
        .scroll{overflow:visible}
        .broke,.note,pre{border:1px solid var(--axis)}
        a{color:inherit;text-decoration:none}
        }
        """
}
