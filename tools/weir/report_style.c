/* Colours and type. The palette is told apart by lightness as well as hue (for eyes that see no red or no green), text keeps
 * 4.5:1 and marks 3:1 against what they stand on, in light and dark. Colour never stands alone: before is hollow, after solid. */
#include "report_page.h"

#define LIGHT \
    "--bg:#ffffff;--ink:#16202b;--dim:#55606c;--line:#d9dfe5;--panel:#f4f6f8;--old:#76818d;--oldf:#e4e8ed;--new:#0b5cad;--ok:#16703a;--bad:#b3261e;" \
    "--f32:#6a7684;--f32f:#dde3ea;--f16:#0f7b6c;--f16f:#cdebe5;--i8:#a35f00;--i8f:#fbe2b6;--mark:#b3261e"
#define DARK \
    "--bg:#10151b;--ink:#e7edf3;--dim:#9eabb8;--line:#313b46;--panel:#182029;--old:#8795a3;--oldf:#2b353f;--new:#63b0f7;--ok:#57c37f;--bad:#ff8f85;" \
    "--f32:#8d9bab;--f32f:#2d3845;--f16:#3fb8a3;--f16f:#123f37;--i8:#e0a23a;--i8f:#4a3610;--mark:#ff8f85"

const char svg_style[] =
    ":root{color-scheme:light dark;" LIGHT "}@media screen and (prefers-color-scheme:dark){:root{" DARK "}}"
    "svg text{fill:var(--ink);font:12px/1.2 system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif;font-variant-numeric:tabular-nums}"
    "svg text.d{fill:var(--dim)}svg text.b{font-weight:600}svg text.m{fill:var(--mark)}.ground{fill:var(--bg)}"
    ".grid{stroke:var(--line);stroke-width:1;fill:none}.axis{stroke:var(--old);stroke-width:1;fill:none}"
    ".old{fill:var(--oldf);stroke:var(--old)}.new{fill:var(--new)}.oldl{fill:none;stroke:var(--old);stroke-width:1.5}.newl{fill:none;stroke:var(--new);stroke-width:2}"
    ".dash{stroke-dasharray:5 4}.mark{fill:none;stroke:var(--mark);stroke-width:1.5}.ring{fill:none;stroke:var(--ink);stroke-width:2}"
    ".wire{fill:none;stroke:var(--old);stroke-width:1.3}.skip{fill:none;stroke:var(--new);stroke-width:1.3}.tip{fill:var(--old)}.tipn{fill:var(--new)}"
    ".ink{fill:none;stroke:var(--ink)}.err{fill:var(--old)}.band{fill:var(--panel)}.halo{paint-order:stroke;stroke:var(--bg);stroke-width:4px;stroke-linejoin:round}"
    ".f32{fill:var(--f32f);stroke:var(--f32)}.f16{fill:var(--f16f);stroke:var(--f16)}.i8{fill:var(--i8f);stroke:var(--i8)}.f32b{fill:var(--f32)}.f16b{fill:var(--f16)}.i8b{fill:var(--i8)}.scratch{fill:var(--panel);stroke:var(--old);stroke-dasharray:3 2}";

const char page_style[] =
    "*{box-sizing:border-box}html{-webkit-text-size-adjust:100%}"
    "body{margin:0 auto;padding:24px 16px 48px;max-width:1120px;background:var(--bg);color:var(--ink);"
    "font:16px/1.55 system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif}"
    "h1{font-size:1.75rem;line-height:1.2;margin:0 0 .4rem;overflow-wrap:anywhere;letter-spacing:-.01em}"
    ".kind{margin:0;color:var(--dim);font-size:.875rem}"
    "h2{font-size:1.25rem;line-height:1.3;margin:3rem 0 .5rem;padding-top:.9rem;border-top:1px solid var(--line)}"
    "h3{font-size:1rem;margin:1.4rem 0 .3rem}p{margin:.5rem 0;max-width:44rem}.dim{color:var(--dim)}a{color:var(--new)}"
    ".ok{color:var(--ok);font-weight:600}.bad{color:var(--bad);font-weight:600}"
    "nav{margin:1rem 0 0;font-size:.875rem}nav ul{display:flex;flex-wrap:wrap;gap:.15rem 1.1rem;margin:0;padding:0;list-style:none}"
    ".lede{font-size:1.125rem;line-height:1.5;margin:1.2rem 0;max-width:46rem}.lede p{margin:.35rem 0;max-width:none}"
    ".cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,146px),1fr));gap:12px;margin:1.2rem 0;padding:0}"
    ".card-n{background:var(--panel);border:1px solid var(--line);border-radius:10px;padding:11px 12px;margin:0}"
    ".card-n dt{color:var(--dim);font-size:.875rem}.card-n dd{margin:0}.card-n .big{font-size:1.5rem;line-height:1.35;font-weight:650;font-variant-numeric:tabular-nums;letter-spacing:-.01em}"
    ".card-n .note{font-size:.875rem;color:var(--dim);font-variant-numeric:tabular-nums}"
    "figure{margin:1.4rem 0}figcaption{font-weight:600;margin:0 0 .5rem}figure p{margin:.4rem 0 0;font-size:.875rem;color:var(--dim)}"
    "svg{display:block;width:100%;height:auto;overflow:hidden}svg.one{max-width:520px}svg.wide{max-width:1000px;display:none}svg.narrow{max-width:460px}"
    "@media(min-width:720px){svg.wide{display:block}svg.narrow{display:none}}"
    ".pair{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,380px),1fr));gap:0 32px;align-items:start}"
    ".cells{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,216px),1fr));gap:20px}.cells svg{max-width:248px}"
    ".scroll{overflow-x:auto;margin:1rem 0;background:linear-gradient(90deg,var(--bg) 24px,transparent 48px) local,linear-gradient(270deg,var(--bg) 24px,transparent 48px) 100% 0 local,linear-gradient(90deg,var(--line),transparent 12px),linear-gradient(270deg,var(--line),transparent 12px);background-repeat:no-repeat}.scroll:focus-visible{outline:2px solid var(--new);outline-offset:2px}"
    "table{border-collapse:collapse;font-variant-numeric:tabular-nums;font-size:.8125rem;line-height:1.4}"
    "caption{text-align:left;font-weight:600;font-size:1rem;padding:0 0 .4rem}caption span{display:inline-block;position:sticky;left:0;max-width:calc(100vw - 32px)}"
    "th,td{padding:5px 8px;border-bottom:1px solid var(--line);text-align:right;white-space:nowrap;vertical-align:top}"
    "thead th{color:var(--dim);font-weight:600;border-bottom-color:var(--old);vertical-align:bottom}th:first-child,td:first-child{text-align:left;padding-left:0}"
    "tbody th{font-weight:400;max-width:20rem;white-space:normal;overflow-wrap:anywhere;min-width:8rem}td.l,th.l{text-align:left}td.w{white-space:normal;text-align:left;min-width:15rem;max-width:34rem;overflow-wrap:anywhere}"
    "ul.words{margin:.5rem 0;padding-left:1.2rem;max-width:46rem}ul.words li{margin:.4rem 0}code{font:.875em/1.5 ui-monospace,'SFMono-Regular',Menlo,Consolas,monospace;overflow-wrap:anywhere}"
    "pre{margin:.5rem 0;white-space:pre-wrap}"
    "@media print{body{max-width:none;padding:0;font-size:10pt}nav{display:none}figure,tr,.card-n{break-inside:avoid}h2,h3,caption,figcaption{break-after:avoid}"
    ".scroll{overflow:visible}table{font-size:7.5pt}th,td{padding:2px 5px;white-space:normal}svg.wide{display:block}svg.narrow{display:none}}";
