// What the theme leaves to be wished for by those who use a keyboard or have pages read to them.
const reachable = () => {
  for (const region of document.querySelectorAll("pre > code, .md-typeset__scrollwrap"))
    if (region.scrollWidth > region.clientWidth) region.tabIndex = 0;
    else region.removeAttribute("tabindex");
  for (const buttons of document.querySelectorAll("nav.md-code__nav:not([role])")) buttons.setAttribute("role", "none");
};
new MutationObserver(reachable).observe(document.querySelector(".md-content"), { childList: true, subtree: true });
addEventListener("resize", reachable);
reachable();
