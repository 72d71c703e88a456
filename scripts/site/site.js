// What the theme leaves to be wished for by those who use a keyboard or have pages read to them.
const SCROLLING = "pre > code, .md-typeset__scrollwrap, article p:has(> img), .cell-output pre, .cell-html";
const reachable = () => {
  for (const region of document.querySelectorAll(SCROLLING))
    if (region.scrollWidth > region.clientWidth || region.scrollHeight > region.clientHeight + 1) region.tabIndex = 0;
    else region.removeAttribute("tabindex");
  for (const buttons of document.querySelectorAll("nav.md-code__nav:not([role])")) buttons.setAttribute("role", "none");
};
new MutationObserver(reachable).observe(document.querySelector(".md-content"), { childList: true, subtree: true });
addEventListener("resize", reachable);
reachable();

// The gallery: a recipe is shown if it has every ingredient that is chosen.
const filter = document.querySelector(".gallery-filter");
if (filter) {
  const recipes = [...document.querySelectorAll(".recipe")];
  const choose = () => {
    const chosen = [...filter.querySelectorAll("select")].filter((one) => one.value);
    for (const recipe of recipes)
      recipe.hidden = !chosen.every((one) => recipe.dataset[one.name].split(" ").includes(one.value));
    for (const heading of document.querySelectorAll("article h2")) {
      const first = heading.nextElementSibling;
      let below = first;
      while (below?.hidden && below.matches(".recipe")) below = below.nextElementSibling;
      heading.hidden = Boolean(first?.matches(".recipe")) && !below?.matches(".recipe");
    }
    const count = recipes.filter((one) => !one.hidden).length;
    filter.querySelector("output").textContent = `${count} recipe${count === 1 ? "" : "s"}`;
  };
  filter.hidden = false;
  filter.addEventListener("change", choose);
  filter.addEventListener("reset", () => setTimeout(choose));
  choose(); // a browser may remember what was chosen
}
