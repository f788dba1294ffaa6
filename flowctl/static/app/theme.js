// Sets theme and density before the first paint, so that nothing flashes.  Classic script: it must block.
(function () {
  var root = document.documentElement;
  /** @param {string} key */
  var read = function (key) {
    try { return localStorage.getItem('flowctl.' + key); } catch (_) { return null; }
  };
  root.classList.add('js');
  var theme = read('theme');
  if (theme === 'light' || theme === 'dark') root.dataset.theme = theme;
  if (read('palette') === 'safe') root.dataset.palette = 'safe';
  if (read('density') === 'comfortable') root.dataset.density = 'comfortable';
})();
