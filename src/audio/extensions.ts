// Extensions of audio files: what folders are searched for. What a file is, its content tells.

/** Extensions that are looked for in folders. A file given by name is tried whatever it is called. */
export const audioExtensions = "wav wave aif aiff aifc flac mp3 mp2 ogg oga opus m4a mp4 aac wma ape wv mka webm caf au amr dsf w64".split(
  " ",
);
