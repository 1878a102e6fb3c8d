/// The style of all pages: one file, no pictures, light and dark, from a phone's width up.
enum Stylesheet {
  /// The card on dark screens, against which brand colours are made legible.
  static let darkCard = HexColor(0x1C, 0x1F, 0x25)
  /// Behind the card on dark screens.
  static let darkGround = HexColor(0x10, 0x12, 0x16)

  static let text = """
    :root{color-scheme:light dark;--brand:#2457d6;--on-brand:#fff;--link:#2457d6;--ground:#f2f4f8;--on-ground:#5b6472;
    --card:#fff;--ink:#171a1f;--soft:#5b6472;--line:#d9dee6;--edge:#868f9e;--field:#fff;--bad:#b3261e;--bad-ground:#fdecea;--good:#1c6b3a;
    --good-ground:#e6f5ec;--wechat:#07c160;--on-wechat:#04240f}
    @media(prefers-color-scheme:dark){:root{--brand:#7da2ff;--on-brand:#0c1220;--link:#9bb7ff;--ground:#101216;
    --on-ground:#9aa3af;--card:#1c1f25;--ink:#eef0f4;--soft:#a3abb8;--line:#363b45;--edge:#6f7887;--field:#14161b;--bad:#ffb4ab;
    --bad-ground:#3b1d1b;--good:#8fdcab;--good-ground:#16301f}}
    *,*::before,*::after{box-sizing:border-box}
    html{-webkit-text-size-adjust:100%;text-size-adjust:100%}
    body{margin:0;min-height:100vh;display:grid;align-items:center;justify-items:center;padding:24px 16px;
    background:var(--ground);color:var(--ink);font:16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"PingFang SC",
    "Microsoft YaHei","Noto Sans CJK SC","Noto Sans SC",sans-serif}
    main{width:100%;max-width:416px;background:var(--card);border:1px solid var(--line);border-radius:16px;padding:32px;
    box-shadow:0 1px 2px #0000000a,0 12px 32px #00000012}
    main.wide{max-width:720px;align-self:start}
    header{display:flex;align-items:center;gap:12px;font-weight:600;margin:0 0 24px;overflow-wrap:anywhere}
    .mark{flex:none;width:40px;height:40px;border-radius:10px;object-fit:contain}
    b.mark{display:grid;place-items:center;background:var(--brand);color:var(--on-brand);font-size:20px}
    h1{font-size:24px;line-height:1.3;margin:0 0 8px;letter-spacing:-.01em;overflow-wrap:anywhere}
    h1+.note,h1+.button,h1+.qrframe{margin-top:16px}
    h2{font-size:17px;margin:0 0 10px}
    p{margin:0 0 16px;overflow-wrap:anywhere}
    main>:last-child,main>form:last-child>:last-child{margin-bottom:0}
    .soft{color:var(--soft)}.small{font-size:14px}
    a{color:var(--link)}
    form{margin:0}
    label{display:block;font-size:14px;font-weight:600;margin:0 0 6px}
    input:not([type=hidden]):not([type=checkbox]){display:block;width:100%;height:48px;padding:0 14px;margin:0 0 16px;
    font:inherit;color:inherit;background:var(--field);border:1px solid var(--edge);border-radius:10px}
    input.code:not([type=hidden]):not([type=checkbox]){font:600 24px/1 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;letter-spacing:.16em;text-align:center;
    height:60px;text-transform:uppercase}
    button,.button{display:flex;align-items:center;justify-content:center;gap:10px;width:100%;min-height:48px;
    padding:10px 16px;margin:0 0 12px;font:inherit;font-weight:600;line-height:1.3;text-align:center;text-decoration:none;
    color:var(--on-brand);background:var(--brand);border:1px solid transparent;border-radius:10px;cursor:pointer}
    button:hover,.button:hover{filter:brightness(.94)}
    .plain{color:var(--ink);background:transparent;border-color:var(--edge)}
    .danger{color:var(--bad);background:transparent;border-color:var(--line)}
    .wechat{color:var(--on-wechat);background:var(--wechat)}
    .wechat svg{width:24px;height:24px;flex:none}
    :focus-visible{outline:3px solid var(--link);outline-offset:2px}
    .or{display:flex;align-items:center;gap:12px;color:var(--soft);font-size:14px;margin:16px 0 20px}
    .or::before,.or::after{content:"";flex:1;border-top:1px solid var(--line)}
    .note{border-radius:10px;padding:12px 14px;margin:0 0 20px;background:var(--bad-ground);color:var(--bad);
    overflow-wrap:anywhere}
    .note.good{background:var(--good-ground);color:var(--good)}
    ul.list{list-style:none;margin:0 0 20px;padding:0;border:1px solid var(--line);border-radius:12px}
    ul.list li{display:flex;align-items:center;gap:12px;padding:12px 14px;border-top:1px solid var(--line)}
    ul.list li:first-child{border-top:0}
    ul.list li>div{flex:1;min-width:0;overflow-wrap:anywhere}
    ul.list strong,ul.list span{display:block}
    ul.list span{color:var(--soft);font-size:14px}
    li button,.inline{display:inline-flex;width:auto;min-height:40px;padding:6px 14px;margin:0;font-size:14px}
    .tick{flex:none;width:20px;height:20px;color:var(--good)}
    .pair{display:grid;grid-template-columns:1fr 1fr;gap:12px}
    section{padding:24px 0 4px;border-top:1px solid var(--line)}
    section>form{margin:0 0 16px}
    .wechat.inline svg{width:20px;height:20px}
    dl{display:grid;grid-template-columns:minmax(90px,30%) 1fr;gap:8px 16px;margin:0 0 20px}
    dt{color:var(--soft)}dd{margin:0;overflow-wrap:anywhere}
    code{font:14px/1.6 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;overflow-wrap:anywhere}
    .keys{display:grid;grid-template-columns:1fr 1fr;gap:6px 16px;padding:14px;margin:0 0 20px;background:var(--field);
    border:1px solid var(--line);border-radius:10px;list-style:none}
    .qr{display:block;width:200px;height:200px;margin:0 auto 16px;border-radius:10px}
    .qrframe{display:block;width:260px;height:260px;margin:0 auto 16px;border:1px solid var(--line);border-radius:12px;
    background:#fff;color-scheme:light}
    nav{margin:8px 0 0;display:flex;flex-wrap:wrap;gap:8px 20px;font-size:14px}
    @media(max-width:480px){body{padding:0;align-items:stretch;background:var(--card)}
    .qrframe{display:none}
    main,main.wide{border:0;border-radius:0;box-shadow:none;padding:28px 20px}}

    """
}
