// Extensions of audio files, by which folders are searched. The format of a file is recognised by its content.

/** Extensions that are searched for in folders. A file given by name is tried whatever its extension. */
export const audioExtensions = "wav wave aif aiff aifc flac mp3 mp2 ogg oga opus m4a mp4 aac wma ape wv mka webm caf au amr dsf w64".split(
  " ",
);
